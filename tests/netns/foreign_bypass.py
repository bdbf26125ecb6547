#!/usr/bin/python3
"""Tables of others that lead past the rules are removed where the file says so, and only told of where it does not.

Each is made as root would make it. With foreign_bypass = "remove" it is gone again without anybody's doing, also when it was there before the file said
so; the log and the journal name the table, and who made it. What only drops, marks, counts or looks stays, and so does a table that belongs to a program
that runs: of that it is told that it could not be removed.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from past_the_wall import HARMLESS, HOSTS_NEEDED, NOTES, SEKISHO, FOREIGN, Wall, expect  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

STAYS = NOTES + ("foreign-mark",)
FORWARD = "table netdev other { chain c { type filter hook ingress device in0 priority 0; fwd to mn0; } }"


def tables(town):
    """The tables of others."""
    return {line.split(maxsplit=1)[1].split(" {")[0] for line in town.run("gateway", ["nft", "list", "tables"]).stdout.splitlines()
            if not line.split(" {")[0].endswith(" sekisho")}


def removals(town):
    """The journal's records of removals."""
    records, directory = [], os.path.join(town.state_dir, "journal")
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            records += [json.loads(line) for line in file if line.endswith("\n")]
    return [record for record in records if record["event"] == "remove"]


def check_told(wall):
    """The default: it stays, and is a finding."""
    wall.nft(FORWARD)
    await_true("it is found", lambda: wall.survey() == ["foreign-redirect"])
    expect("and stays", tables(wall.town) == {"netdev other"} and wall.arrived() > 0 and not removals(wall.town))


def check_switched_on(wall):
    """It goes when the file says so, though nothing was changed in it."""
    wall.town.edit_config('foreign_bypass = "alarm"', 'foreign_bypass = "remove"')
    expect("the file is applied", wall.town.apply(reason="nothing else runs here")["result"] in ("committed", "unchanged"))
    await_true("what was there is removed", lambda: not tables(wall.town) and not wall.survey())
    expect("and nothing passes", wall.arrived() == 0)


def check_removed(wall):
    town = wall.town
    for finding, text in FOREIGN:
        text = text.format(1)
        name = " ".join(text.split()[1:3])
        if not wall.nft(text, check=False, options=["-c"]):
            print(f"absent: {text}")
            continue
        before = len(removals(town))
        wall.nft(text)
        if finding in STAYS:
            await_true("it is found", lambda finding=finding: finding in wall.survey())
            expect(f"{finding}: {text} stays", tables(town) == {name} and len(removals(town)) == before)
            wall.nft(f"delete table {name}")
            await_true("it is gone", lambda: not wall.survey())
            continue
        await_true(f"{finding}: {text} is removed", lambda: not tables(town))
        await_true("the journal has it", lambda before=before: len(removals(town)) == before + 1)
        record = removals(town)[-1]
        expect(f"{finding}: the journal says which and who", record["details"][0].startswith(f"table {name}, chain") and record["details"][1].endswith(" nft"), record)
    expect("nothing passes", wall.arrived() == 0)
    expect("the log names them", "a table that led past the rules was removed family=netdev table=other chain=c what=fwd process=" in town.log_text())


def check_harmless(wall):
    for text in HARMLESS:
        wall.nft(text.format())
    kept = tables(wall.town)
    wall.nft(FORWARD.replace("other", "another"))
    await_true("what leads past goes", lambda: "netdev another" not in tables(wall.town))
    expect("what is harmless stays", tables(wall.town) == kept and len(kept) == len(HARMLESS), kept)
    for text in HARMLESS:
        wall.nft("delete table " + " ".join(text.split()[1:3]))


def check_strange_name(wall):
    """A name that no list shows as it is goes by what it is, and takes no other with it."""
    wall.nft("table netdev " + "x" * 80 + " { chain c { type filter hook ingress device in0 priority 0; fwd to mn0; } }")
    wall.nft("table netdev " + "x" * 80 + "y { chain c { type filter hook ingress device in0 priority 0; accept; } }")
    await_true("the one is removed", lambda: tables(wall.town) == {"netdev " + "x" * 80 + "y"})
    wall.nft("delete table netdev " + "x" * 80 + "y")


def check_owned(wall):
    """A table that belongs to a running program cannot be touched by anybody else."""
    town = wall.town
    owner = subprocess.Popen(town.at("gateway", ["nft", "-i"]), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        owner.stdin.write("add table netdev other { flags owner; }\nadd chain netdev other c { type filter hook ingress device in0 priority 0; }\n"
                          "add rule netdev other c fwd to mn0\n")
        owner.stdin.flush()
        await_true("it is told", lambda: "a table that leads past the rules could not be removed family=netdev table=other chain=c what=fwd" in town.log_text())
        await_true("and found", lambda: wall.survey() == ["foreign-redirect"])
    finally:
        owner.communicate()
    await_true("it is gone with its program", lambda: not wall.survey())


def main():
    skip_unless_possible("nft")
    with Town(hosts=HOSTS_NEEDED) as town:
        town.start_daemon()
        wall = Wall(town)
        await_true("there is nothing at first", lambda: not wall.survey())
        for part in (check_told, check_switched_on, check_removed, check_harmless, check_strange_name, check_owned):
            part(wall)
        journal = town.run("gateway", [SEKISHO, "--lang", "en", "journal", "--dir", os.path.join(town.state_dir, "journal")], check=False)
        expect("sekisho journal says it in words", "a table past the rules; removed" in journal.stdout, journal.stdout + journal.stderr)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
