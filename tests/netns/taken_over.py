#!/usr/bin/python3
"""A role that was taken over says what it should not: whoever hears it believes none of it, says so, and the rules stay.

A planner proposes what is no ruleset, what was made for other interfaces, and a ruleset to an enforcer that knows of no zones. An enforcer answers with what is no answer.
"""

import contextlib
import json
import os
import queue
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from impostor import Impostor, come_to_rest, memory_content, memory_file  # noqa: E402
from town import Town, await_true, skip_unless_possible, verb_numbers  # noqa: E402

PORT, OTHER_PORT = "[ 3389 ]", "[ 3389, 3390 ]"
MISTAKE = ('tier       = "mynumber"', 'tier       = "mynumbers"')


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


def ids(answer):
    return [finding["id"] for finding in answer["findings"]]


def expect_words(finding, sentences, actions):
    """What is said, and what is to be done, in both languages."""
    for language, sentence, action in zip(("en", "ja"), sentences, actions):
        expect(f"{finding['id']} is said so ({language})", sentence in finding[language]["sentence"] and action in finding[language]["action"], finding)


# ---- a planner

def propose(planner, descriptor=None, flags=0):
    """What the enforcer says to a proposal: None if it was committed, else its findings."""
    planner.send("PROPOSE", flags=flags, descriptor=descriptor)
    answer = planner.await_verb("COMMITTED", "REFUSED")
    return json.loads(answer.payload) if answer.verb == "REFUSED" else None


def held(planner):
    """The ruleset in the kernel as the enforcer tells it, which may be proposed again as it is."""
    planner.send("SNAPSHOT")
    return planner.await_verb("HELD").descriptor


def check_no_ruleset(planner, present):
    """What is not well formed, with a proposal beside it that is."""
    content = memory_content(present)
    expect("what is in force may be proposed again", propose(planner, present) is None)
    lies = {"nothing": None, "what may still be changed": memory_file(content, seals=0), "other bytes": memory_file(b"not a ruleset"),
            "a ruleset that is cut short": memory_file(content[:-1]), "a ruleset with something behind it": memory_file(content + b"\0"), "no bytes": memory_file(b"")}
    for what, descriptor in lies.items():
        findings = propose(planner, descriptor)
        expect(f"{what} is refused", findings and [finding["id"] for finding in findings] == ["proposal-malformed"], findings)
    expect_words(findings[0], ("not well formed; nothing was changed", "形式が正しくないため、何も変更していません"),
                 ("Restart sekishod", "sekishod を再起動してください"))
    expect("and what is in force may be proposed after that", propose(planner, present) is None)


def check_other_interfaces(town, planner, present):
    """The ruleset was made before an interface took another's name."""
    names = (("mn0", "away0"), ("in0", "mn0"), ("away0", "in0"))
    for old, new in names:
        town.ip("gateway", f"link set {old} name {new}")
    findings = propose(planner, present)
    expect("rules for other interfaces are refused", findings and [finding["id"] for finding in findings] == ["link-differs"] * 2, findings)
    for name, finding in zip(sorted(("mn0", "in0")), sorted(findings, key=lambda finding: finding["en"]["sentence"])):
        expect_words(finding, (f"Interface {name} is not the one the ruleset was made for; nothing was changed.",
                               f"インターフェース {name} が、ルールを作成した時点のものと異なるため、何も変更していません。"),
                     ("Try again", "もう一度実行してください"))
    for old, new in reversed(names):
        town.ip("gateway", f"link set {new} name {old}")
    expect("they are taken when the interfaces have their names again", propose(planner, present) is None)


def check_planner(town):
    town.start_daemon()
    come_to_rest(town)
    before = town.rules()
    with Impostor(town, "planner", "enforcer") as planner:
        present = held(planner)
        check_no_ruleset(planner, present)
        check_other_interfaces(town, planner, present)
        expect("after all that the rules are the same", town.rules() == before)
    await_true("the planner goes on", lambda: town.apply(reason="as before")["result"] in ("committed", "unchanged"))
    expect("with the same rules", town.rules() == before)


def check_no_zones(town):
    """The file was broken before the daemon ever ran: the enforcer has heard of no zone."""
    town.edit_config(*MISTAKE)
    town.start_daemon()
    come_to_rest(town)
    expect("nothing passes", town.status()["state"] == "sealed")
    before = town.rules()
    with Impostor(town, "planner", "enforcer") as planner:
        findings = propose(planner, held(planner))
        expect("no ruleset is lawful then", findings and [finding["id"] for finding in findings] == ["zones-unknown"], findings)
        expect_words(findings[0], ("The zones of the zone file are not known", "ゾーン定義ファイルのゾーンが確認できない"),
                     ("Mend the zones of the file and run: sekisho apply", "ファイルのゾーンの定義を直し、sekisho apply を実行してください"))
        expect("and the seal stays", town.rules() == before)
    town.edit_config(*reversed(MISTAKE))
    answer = town.apply()
    expect("the file that was mended is put in force, as the finding says", answer["result"] == "committed" and town.status()["state"] == "in-force", answer)


# ---- an enforcer

def answer_of(ask, lie):
    """What who asks is told when the enforcer lies."""
    answers = queue.Queue()
    asker = threading.Thread(target=lambda: answers.put(ask()))
    asker.start()
    lie()
    answer = answers.get()
    asker.join()
    return answer


def check_answer(what, answer, before, town):
    expect(f"{what} is told", answer["result"] in ("failed", "refused") and ids(answer) == ["answer-malformed"], answer)
    expect_words(answer["findings"][0], ("An answer inside sekishod was not understood.", "sekishod の内部の応答を解釈できませんでした。"),
                 ("Restart sekishod; the rules stay in force meanwhile.", "sekishod を再起動してください。その間もルールは有効です。"))
    expect("and the rules stay", town.rules() == before)


def check_enforcer(town):
    town.start_daemon()
    come_to_rest(town)
    before = town.rules()
    town.edit_config(PORT, OTHER_PORT)
    with Impostor(town, "enforcer", "planner") as enforcer:
        def lie(asked, verb, payload, descriptor=None):
            enforcer.await_verb(asked)
            enforcer.send(verb, payload, descriptor=descriptor)

        lies = {"a state that is none": ("SNAPSHOT", "HELD", b"x"), "a ruleset that is none": ("SNAPSHOT", "HELD", bytes(12), memory_file(b"not a ruleset")),
                "a refusal without a reason": ("SNAPSHOT", "REFUSED", b"because")}
        for what, words in lies.items():
            check_answer(what, answer_of(lambda: town.apply(reason="another port"), lambda: lie(*words)), before, town)
        view = answer_of(lambda: town.request(verb_numbers()["VIEW"]), lambda: lie("VIEW", "VIEW", b"", memory_file(b"x", seals=0)))
        check_answer("a view that may still be changed", view, before, town)
    answer = town.apply(reason="another port")
    expect("an enforcer that speaks the truth puts it in force", answer["result"] == "committed" and "3390" in town.rules(), answer)


def main():
    skip_unless_possible("nft", "ss")
    for check in (check_planner, check_no_zones, check_enforcer):
        with contextlib.ExitStack() as stack:
            check(stack.enter_context(Town(hosts=[])))


if __name__ == "__main__":
    main()
