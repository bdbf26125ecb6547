#!/usr/bin/python3
"""The journal: what is done is in it, with who and why; what is changed in it is found; a full disk stops nothing but it."""

import contextlib
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import SOURCE, Town, await_true, skip_unless_possible  # noqa: E402

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
PORT, OTHER_PORT = "ports       = [ 3389 ]", "ports       = [ 3390 ]"


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}")


def journal_dir(town):
    return os.path.join(town.state_dir, "journal")


def sekisho(town, *words):
    result = subprocess.run([PROGRAM, "--lang", "en", "--json", "journal", "--dir", journal_dir(town)] + list(words),
                            capture_output=True, text=True, check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


def records(town):
    return sekisho(town)[1]


def last(town, event):
    found = [record for record in records(town) if record["event"] == event]
    return found[-1] if found else None


def verify(town, *words):
    return sekisho(town, "verify", *words)


def check_records(town):
    town.start_daemon()
    await_true("the start and what it put in force are recorded", lambda: [record["event"] for record in records(town)] == ["start", "commit"])
    opened = last(town, "commit")
    expect("sekishod itself did it", opened["who"] is None and opened["reason"] == "start", opened)
    expect("with each flow", "opens juki-shokai" in opened["details"], opened)
    town.edit_config(PORT, OTHER_PORT)
    town.apply(reason="年度更新 4号")
    commit = last(town, "commit")
    expect("a commit has who and why", commit["who"]["pid"] == os.getpid() and commit["who"]["uid"] == 0 and commit["reason"] == "年度更新 4号", commit)
    expect("and what of which text", commit["before"] == opened["after"] != commit["after"] and "changes gamen-tensou" in commit["details"], commit)
    town.apply(reason="only a look", dry_run=True)
    expect("a dry run is none", last(town, "commit")["reason"] == "年度更新 4号")
    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    expect("a mistake is refused", town.apply(reason="wrong")["result"] == "refused")
    refused = last(town, "refused")
    expect("which is recorded with its line", refused["reason"] == "wrong" and any("address" in detail for detail in refused["details"]), refused)
    town.edit_config('"10.1.0.300"', '"10.1.0.10"')
    town.run("gateway", ["nft", "flush", "chain", "inet", "sekisho", "forward"])
    await_true("the repair is recorded", lambda: last(town, "repair"))
    expect("with the process", "nft" in last(town, "repair")["details"][0], last(town, "repair"))
    expect("it stops", town.stop_daemon() == 0)
    expect("and says so", records(town)[-1]["event"] == "stop")
    status, verdict = verify(town)
    expect("the chain is whole", status == 0 and verdict["faults"] == [] and verdict["records"] == len(records(town)), verdict)


def journal_file(town):
    return os.path.join(journal_dir(town), sorted(os.listdir(journal_dir(town)))[-1])


def read_lines(town):
    with open(journal_file(town), "rb") as file:
        return file.read().splitlines(keepends=True)


def write_lines(town, lines):
    with open(journal_file(town), "wb") as file:
        file.write(b"".join(lines))


def check_tampering(town):
    """What is done to the journal, and that it is found."""
    lines, head = read_lines(town), verify(town)[1]["head"]
    expect("a head that was kept is found", verify(town, "--head", head)[0] == 0)
    tamperings = (
        ("a changed reason", [line.replace(b"wrong", b"right") for line in lines]),
        ("a deleted record", lines[:2] + lines[3:]),
        ("records in another order", lines[:2] + [lines[3], lines[2]] + lines[4:]),
        ("a record that is there twice", lines[:3] + lines[2:]),
        ("a record that is none", lines[:2] + [b"nonsense\n"] + lines[3:]),
        ("a beginning that is gone", lines[2:]),
    )
    for what, tampered in tamperings:
        write_lines(town, tampered)
        status, verdict = verify(town)
        expect(f"{what} is found", status == 1 and verdict["faults"], verdict)
    write_lines(town, lines[:-1])
    expect("an end that was cut off looks whole", verify(town)[0] == 0)
    expect("but not to who kept the head", verify(town, "--head", head)[0] == 1)
    write_lines(town, lines)


def check_going_on(town):
    """A record that power cut off is taken away and told of; the chain goes on."""
    lines = read_lines(town)
    write_lines(town, lines[:-1] + [lines[-1][:20]])
    town.start_daemon()
    await_true("the start is recorded", lambda: records(town)[-1]["event"] == "commit")
    expect("the torn record is told of", "20 bytes" in last(town, "gap")["details"][0], last(town, "gap"))
    status, verdict = verify(town)
    expect("and the chain is whole", status == 0 and verdict["gaps"] == 1, verdict)
    expect("it stops", town.stop_daemon() == 0)


def check_full_disk(town):
    """A full disk stops no change; the record says afterwards what is missing."""
    os.makedirs(town.state_dir, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,huge=never", "tmpfs", town.state_dir], check=True)
    try:
        town.start_daemon()
        filler = os.path.join(town.state_dir, "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        # The page that the journal stands in has room yet.
        answers = []
        for port in range(3390, 3410):
            town.edit_config(f"ports       = [ {port - 1} ]", f"ports       = [ {port} ]")
            answers.append(town.apply(reason="x" * 500))
        expect("every change is made", all(answer["result"] == "committed" for answer in answers), answers[-1])
        unrecorded = [answer for answer in answers if any(finding["id"] == "not-recorded" for finding in answer["findings"])]
        expect("and who asked is told that it is not recorded", unrecorded)
        os.unlink(filler)
        town.apply(reason="room again")
        gaps = [int(record["details"][0].split()[0]) for record in records(town) if record["event"] == "gap"]
        expect("then each of them is counted as a gap", sum(gaps) == len(unrecorded), (gaps, len(unrecorded)))
        expect("and the chain is whole", verify(town)[0] == 0, verify(town))
        expect("it stops", town.stop_daemon() == 0)
    finally:
        subprocess.run(["umount", "-l", town.state_dir], check=False)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[], owner=False) as town:
        check_records(town)
        check_tampering(town)
        check_going_on(town)
    with Town(hosts=[], owner=False) as town:
        check_full_disk(town)


if __name__ == "__main__":
    main()
