"""The mail part of `make bench`: reading mail beside GMime, HTML beside libxml2, Dovecot and w3m.

Each program gets the same inputs (tests/bench/mail/inputs.h) in memory and says how many it did in a stretch of its processor time. They
take turns, round by round; the figures are medians.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

ROUNDS = 5
SECONDS = 0.4
ABSENT = 77

# Title, and for each column the kind of input.
COLUMNS = {"corpus": "corpus", "japanese": "Japanese of it", "text": "4 KiB text", "html": "100 KiB HTML", "attachment": "10 MiB attached"}
HTML_COLUMNS = {"bodies": "HTML of corpus", "newsletter": "100 KiB newsletter"}

# Program and what it does, by the name of the row; the rows that are ours are compared with those behind them.
MAIL = {
    "ours, parse": ("ours", "parse"),
    "ours, decode": ("ours", "decode"),
    "GMime, decode": ("peers/gmime", "decode"),
    "ours, decode and SHA-256": ("ours", "digest"),
    "GMime, decode and SHA-256": ("peers/gmime", "digest"),
    "ours, mail to letter to mail": ("ours", "wash"),
}
HTML = {"ours": ("ours", "html"), "libxml2": ("peers/libxml2", "html"), "Dovecot": ("peers/dovecot", "html")}
MAIL_RATIOS = (("ours, decode", "GMime, decode"), ("ours, decode and SHA-256", "GMime, decode and SHA-256"))
HTML_RATIOS = (("ours", "libxml2"), ("ours", "Dovecot"))


def measure(build, program, work, kind):
    """Inputs and megabytes per second of processor time, and the most memory in KiB; None when the input or the program is absent."""
    path = os.path.join(build, "tests", "bench", "mail", program)
    if not os.path.exists(path):
        return None
    run = subprocess.run([path, work, kind, str(SECONDS)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if run.returncode == ABSENT:
        return None
    if run.returncode != 0:
        raise SystemExit(f"bench: {program} {work} {kind}: exit status {run.returncode}")
    result = json.loads(run.stdout)
    return result["items"] / result["seconds"], result["bytes"] / result["seconds"] / 1e6, result["kib"]


def measure_all(build, rows, columns):
    """Medians by row and column, of rounds in which every program has its turn."""
    results = {(row, kind): [] for row in rows for kind in columns}
    for _ in range(ROUNDS):
        for kind in columns:
            for row, (program, work) in rows.items():
                result = measure(build, program, work, kind)
                if result:
                    results[(row, kind)].append(result)
    return {key: tuple(statistics.median(values) for values in zip(*found)) for key, found in results.items() if found}


def table(results, rows, columns, ratios):
    """The rows of a table: inputs per second and MB/s, then ratios."""
    def cell(row, kind):
        found = results.get((row, kind))
        return f"{found[0]:.0f}/s {found[1]:.0f} MB/s" if found else "absent"

    def ratio(row, other, kind):
        if (row, kind) not in results or (other, kind) not in results:
            return "absent"
        return f"{results[(row, kind)][0] / results[(other, kind)][0]:.2f}"

    lines = [[row] + [cell(row, kind) for kind in columns] for row in rows]
    lines += [[f"{row} / {other}"] + [ratio(row, other, kind) for kind in columns] for row, other in ratios]
    return lines


def w3m_per_second(build):
    """Newsletters that `w3m -dump` does in a second, a process each, as it is used; None when there is none."""
    if not shutil.which("w3m"):
        return None
    with tempfile.NamedTemporaryFile(suffix=".html") as file:
        file.write(subprocess.run([os.path.join(build, "tests", "bench", "mail", "ours"), "print", "newsletter", "0"],
                                  stdout=subprocess.PIPE, check=True).stdout)
        file.flush()
        times = []
        for _ in range(ROUNDS):
            begun = time.monotonic()
            subprocess.run(["w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", file.name], stdout=subprocess.DEVNULL, check=True)
            times.append(time.monotonic() - begun)
    return 1 / statistics.median(times)


def bench_mail(build, print_table):
    """Measures and prints."""
    results = measure_all(build, MAIL, COLUMNS)
    print_table(f"messages, per second of processor time (medians of {ROUNDS}, interleaved)", [""] + list(COLUMNS.values()),
                table(results, MAIL, COLUMNS, MAIL_RATIOS))
    results = measure_all(build, HTML, HTML_COLUMNS)
    print_table("HTML to text, the same way (libxml2 and Dovecot: words only; no tables, link targets, hidden text or lists)",
                [""] + list(HTML_COLUMNS.values()), table(results, HTML, HTML_COLUMNS, HTML_RATIOS))
    w3m = w3m_per_second(build)
    print(f"  w3m -dump, a process each: {w3m:.0f} newsletters/s" if w3m else "  w3m: absent", flush=True)
