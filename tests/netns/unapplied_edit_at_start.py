#!/usr/bin/python3
"""An edit that was never applied and has a mistake does not seal the town at the next start of the daemon.

The rules in the kernel are judged by the zones they were made from, not by those somebody is about to write.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from town import Town, skip_unless_possible  # noqa: E402

MISTAKE = ('"10.1.0.10"', '"10.1.0.300"')
EDITS = (
    ("a zone has another name", ('name       = "internet"', 'name       = "inet"')),
    ("a zone has another interface", ('interfaces = [ "in0" ]', 'interfaces = [ "in1" ]')),
    ("a zone is in another tier", ('tier       = "internet";', 'tier       = "lgwan";#')),
)


def check(what, edit, damage_pins):
    with Town(hosts=["juki-cs"]) as town:
        town.start_daemon()
        before = town.rules()
        assert town.stop_daemon() == 0
        town.edit_config(*edit)
        town.edit_config(*MISTAKE)
        if damage_pins:
            with open(os.path.join(town.state_dir, "pins"), "wb") as pins:
                pins.write(b"\xff" * 100)
            os.unlink(os.path.join(town.state_dir, "last-good.conf"))
        town.start_daemon()
        state = town.status()["state"]
        if damage_pins:
            assert state == "sealed", (what, state)
            return
        assert state == "last-good", (what, state)
        assert town.rules() == before, what
        town.edit_config(*reversed(MISTAKE))
        town.edit_config(*reversed(edit))
        assert town.apply()["result"] == "unchanged", what


def main():
    skip_unless_possible("nft")
    for what, edit in EDITS:
        check(what, edit, False)
        print(f"ok: the last good rules stay when {what}")
    check(*EDITS[0], True)
    print("ok: without the zones and the text they were made from, nothing passes")


if __name__ == "__main__":
    main()
