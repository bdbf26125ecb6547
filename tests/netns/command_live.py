#!/usr/bin/python3
"""The sekisho command at a gateway that runs: what it says of the kernel agrees with the file, before, between and after an edit and its apply."""

import json
import os
import sys

from town import SOURCE, Town, skip_unless_possible

PROGRAM = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
FLOWS = 13  # of conf/sekisho.conf, with those of the relay

TO_LGWAN = 'from        = "mynumber";\n\t\tto          = "lgwan";'
TO_INTERNET = 'from        = "mynumber";\n\t\tto          = "internet";'

# (old, new): one flow changes, one is renamed, and one goes while another comes that opens a pair of zones.
EDITS = [
    ("ports       = [ 3389 ];", "ports       = [ 3390 ];"),
    ('name        = "ping-gamen";', 'name        = "ping-gamen-2";'),
    ('name        = "dns-tcp";\n\t\tfrom        = "internet";\n\t\tto          = "cloud";',
     'name        = "dns-kara";\n\t\tfrom        = "cloud";\n\t\tto          = "internet";'),
    ('source      = "inet-pcs";\n\t\tdestination = "cloud-dns";\n\t\tprotocol    = "tcp";',
     'source      = "cloud-dns";\n\t\tdestination = "inet-pcs";\n\t\tprotocol    = "tcp";'),
]

failures = []


def check(what, condition, detail=""):
    if not condition:
        print(f"FAIL {what}: {detail}")
        failures.append(what)


class Gateway:
    """sekisho at the gateway of a town."""

    def __init__(self, town):
        self.town = town

    def ask(self, *words, status=0, language="en"):
        """Runs sekisho there and returns what it prints."""
        options = ["--lang", language, "--config", self.town.config, "--socket", os.path.join(self.town.run_dir, "control")]
        result = self.town.run("gateway", [PROGRAM] + options + list(words), check=False)
        check(" ".join(words), result.returncode == status, f"exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout + result.stderr

    def ask_json(self, *words, status=0):
        return json.loads(self.ask("--json", *words, status=status))


def check_before(gateway):
    """No daemon has been here: everything is said to be closed, and the plan is to open it."""
    text = gateway.ask("status", status=3)
    check("status names both", "does not answer" in text and "nothing is filtered" in text, text)
    check("show says there is nothing", "holds no rules" in gateway.ask("show", "--nft", status=3))
    gateway.ask("matrix", "--live", status=3)
    plan = gateway.ask_json("plan")
    check("plan opens all", len(plan["flows"]["opens"]) == FLOWS and not plan["kernel"] and plan["changes"], plan["flows"])
    states = {flow["state"] for flow in gateway.ask_json("flows", "--live")["flows"]}
    check("no flow is open", states == {"not-in-kernel"}, states)


def check_agreement(gateway):
    """The kernel holds what the file says, and every command knows it."""
    plan = gateway.ask_json("plan")
    check("plan: nothing to do", not plan["changes"] and len(plan["flows"]["stays"]) == FLOWS, plan)
    check("plan in words", "変更はありません" in gateway.ask("plan", language="ja"))
    check("live matrix is that of the file", gateway.ask_json("matrix", "--live")["cells"] == gateway.ask_json("matrix")["cells"])
    states = {flow["state"] for flow in gateway.ask_json("flows", "--live")["flows"]}
    check("every flow is open", states == {"open"}, states)
    status = gateway.ask_json("status")
    check("status", (status["state"], status["flows"]) == ("in-force", FLOWS), status)
    gateway.ask("apply")


def check_report(gateway, town):
    """The report says what the commands say, always in the same bytes; the public edition names zones and no machine."""
    words = ["report", "--since", "2026-01-01", "--state-dir", town.state_dir]
    report = gateway.ask_json(*words)
    results = {section["section"]: section["result"] for section in report["sections"]}
    wanted = {"law": "fine", "matrix": "fine", "ledger": "attached", "journal": "fine", "changes": "attached", "refusals": "attached"}
    check("report: results", results == wanted, results)
    answers = {section["section"]: section["answer"] for section in report["sections"]}
    check("report: the law", answers["law"]["proved"] is True, answers["law"])
    check("report: the matrix of the kernel", answers["matrix"] == gateway.ask_json("matrix", "--live"), answers["matrix"])
    check("report: the ledger", answers["ledger"] == gateway.ask_json("flows", "--live"), answers["ledger"])
    check("report: what was done", any(record.get("event") == "commit" for record in answers["changes"]), answers["changes"])
    check("report: by hand", len(report["by_hand"]) > 0 and report["edition"] == "internal", report)
    text = gateway.ask(*words, language="ja")
    check("report: what was done, in Japanese", "理由: 起動" in text and "- 開いた通信許可: juki-shokai" in text and "要素: 追加 " in text and "opens" not in text, text)
    check("report: what was done, in English", "- opens juki-shokai" in gateway.ask(*words))
    check("report: the same bytes again", text == gateway.ask(*words, language="ja"))
    check("report: names flows", "juki-shokai" in text and "人手確認" in text, text)
    public = gateway.ask(*words, "--public", language="ja")
    check("report: the public edition has the sheet", "人手確認" in public and "lgwan" in public and "NAT" in public, public)
    named = [word for word in ("juki-shokai", "gamen", "10.", "fd00", "02:00", "情報政策課長") if word in public]
    check("report: the public edition names no machine", not named, f"{named}\n{public}")
    hidden = gateway.ask_json(*words, "--public")["sections"]
    check("report: nor does its JSON", {section["section"] for section in hidden if section["answer"]} == {"matrix", "journal"}, hidden)


def check_report_of_edit(gateway, town):
    """A file that is not applied: the report says that something does not hold, and the public edition no longer that all is proved."""
    words = ["report", "--public", "--state-dir", town.state_dir]
    results = {section["section"]: section["result"] for section in gateway.ask_json(*words, status=1)["sections"]}
    check("report: what does not hold", (results["law"], results["matrix"], results["journal"]) == ("found", "found", "fine"), results)
    text = gateway.ask(*words, status=1)
    check("report: nothing is called proved", "DOES NOT HOLD" in text and "NAT" not in text, text)
    text = gateway.ask("report", "--state-dir", "/nowhere", status=3)
    check("report: what could not be looked at", text.count("NOT LOOKED AT  ") == 3, text)


def check_edit(gateway, town):
    """The edits are planned, tried, and applied."""
    for old, new in EDITS:
        town.edit_config(old, new)
    plan = gateway.ask_json("plan")
    wanted = {"opens": ["dns-kara"], "closes": ["dns-tcp"], "changes": ["gamen-tensou"], "renamed": ["ping-gamen-2"]}
    check("plan names the flows", {fate: plan["flows"][fate] for fate in wanted} == wanted, plan["flows"])
    check("plan names the pair", plan["pairs"] == {"added": ["cloud.internet"], "deleted": []}, plan["pairs"])
    matrix = gateway.ask_json("matrix", "--live", status=1)
    unknown = {(cell["from"], cell["to"]): cell["methods"].get("unknown") for cell in matrix["cells"] if "unknown" in cell["methods"]}
    check("matrix shows what the file no longer knows", unknown == {("lgwan", "internet"): 1, ("internet", "cloud"): 1}, unknown)
    check_report_of_edit(gateway, town)
    before = town.rules()
    gateway.ask("apply", "--dry-run")
    check("a dry run changes nothing", town.rules() == before)
    gateway.ask("apply", "--reason", "年度更新")
    check("applied", not gateway.ask_json("plan")["changes"])


def check_refusal(gateway, town):
    """A wrong edit: the same sentence from check and apply, and nothing has changed."""
    before = town.rules()
    town.edit_config(TO_LGWAN, TO_INTERNET)
    check("check tells", "[end-elsewhere]" in gateway.ask("check", status=1))
    text = gateway.ask("apply", status=1, language="ja")
    check("apply tells", "[end-elsewhere]" in text and "適用しませんでした" in text, text)
    gateway.ask("plan", status=1)
    check("nothing has changed", town.rules() == before)


def check_link_loss(gateway, town):
    """An interface that is gone closes what needs it."""
    town.edit_config(TO_INTERNET, TO_LGWAN)
    town.ip("gateway", "link del mn0")
    states = {flow["name"]: flow["state"] for flow in gateway.ask_json("flows", "--live")["flows"]}
    check("flows: interface missing", (states["juki-shokai"], states["web"]) == ("no-interface", "open"), states)


def check_after(gateway, town):
    """The daemon has gone; the kernel goes on."""
    town.stop_daemon()
    text = gateway.ask("status", status=3)
    check("status tells of the kernel", "goes on by the rules it has" in text, text)
    nft = town.run("gateway", ["nft", "add", "rule", "inet", "sekisho", "forward", "meta", "length", "44", "accept"], check=False)
    check("somebody adds a rule", nft.returncode == 0, nft.stderr)
    check("show tells of strangers", "foreign" in gateway.ask("show", "--nft", status=1))
    check("plan tells of strangers", gateway.ask_json("plan")["aliens"] == 1)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        gateway = Gateway(town)
        check_before(gateway)
        town.start_daemon()
        check_agreement(gateway)
        check_report(gateway, town)
        check_edit(gateway, town)
        check_refusal(gateway, town)
        check_link_loss(gateway, town)
        check_after(gateway, town)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
