#!/usr/bin/python3
"""A change that is applied with --confirm goes back by itself unless it is confirmed in time, also over the death of a role, a restart and a reboot."""

import json
import os
import signal
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


def sekisho(town, *words):
    result = town.run("gateway", [PROGRAM, "--lang", "en", "--json", "--socket", os.path.join(town.run_dir, "control")] + list(words), check=False)
    return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr


def events(town):
    text = subprocess.run([PROGRAM, "--json", "journal", "--dir", os.path.join(town.state_dir, "journal")], capture_output=True, text=True,
                          check=True).stdout
    return [record["event"] for record in json.loads(text)]


def status(town):
    try:
        return town.status()
    except OSError:
        return {"state": None, "confirm_until": None}


def has_returned(town):
    return status(town)["state"] == "last-good" and status(town)["confirm_until"] is None and "3389" in town.rules() and "3390" not in town.rules()


def apply_for(town, seconds):
    code, answer = sekisho(town, "apply", "--confirm", f"{seconds}s", "--reason", "another port")
    expect(f"a change is in force for {seconds} s", code == 0 and answer["result"] == "committed" and "3390" in town.rules(), answer)
    expect("the status says that it waits", status(town)["confirm_until"] is not None)


def check_return(town):
    code, answer = sekisho(town, "confirm")
    expect("nothing is confirmed that does not wait", code == 1 and answer["findings"][0]["id"] == "confirm-nothing", answer)
    town.edit_config(PORT, OTHER_PORT)
    apply_for(town, 5)
    await_true("the change went back", lambda: has_returned(town))
    await_true("which is recorded", lambda: events(town)[-1] == "return")


def check_return_interrupted(town):
    """The enforcer dies while it is asked to go back: the next one is asked again."""
    apply_for(town, 5)
    enforcer = town.role_pid("enforcer")
    os.kill(enforcer, signal.SIGSTOP)
    returns = town.log_text().count("goes back")
    await_true("the time is over", lambda: town.log_text().count("goes back") > returns)
    status(town)	# the planner has heard of it as well
    os.kill(enforcer, signal.SIGKILL)
    await_true("the change went back with the next enforcer", lambda: has_returned(town))


def check_confirm(town):
    apply_for(town, 600)
    code, answer = sekisho(town, "apply")
    expect("meanwhile no other change is made", code == 1 and answer["findings"][0]["id"] == "confirm-pending", answer)
    code, answer = sekisho(town, "confirm", "--reason", "it works")
    expect("it is confirmed", code == 0 and answer["result"] == "confirmed" and status(town)["confirm_until"] is None, answer)
    expect("and recorded", events(town)[-1] == "confirm")
    expect("and stays", status(town)["state"] == "in-force" and "3390" in town.rules())
    town.edit_config(OTHER_PORT, PORT)
    expect("a change for good is one as before", sekisho(town, "apply")[1]["result"] == "committed")


def check_refused(town):
    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    expect("a mistake is refused", sekisho(town, "apply", "--confirm", "600s")[0] == 1)
    expect("and nothing waits", status(town)["confirm_until"] is None and status(town)["state"] == "in-force")
    town.edit_config('"10.1.0.300"', '"10.1.0.10"')


def check_restart(town):
    town.edit_config(PORT, OTHER_PORT)
    apply_for(town, 4)
    os.kill(town.role_pid("planner"), signal.SIGKILL)
    await_true("another planner waits on", lambda: status(town)["confirm_until"])
    town.stop_daemon()
    town.start_daemon()
    await_true("it went back after a restart", lambda: has_returned(town))


def check_reboot(town):
    apply_for(town, 600)
    town.stop_daemon()
    with open(os.path.join(town.state_dir, "confirm"), "r+b") as file:
        file.write(b"another boot")
    town.run("gateway", ["nft", "flush ruleset"])
    town.start_daemon()
    await_true("after a reboot the time is over", lambda: has_returned(town))
    await_true("nothing was put in force but the text before", lambda: events(town)[-2:] == ["start", "return"])


def check_nothing_to_return_to(town):
    """The first file that may be put in force: there was none before."""
    town.edit_config('"10.1.0.10"', '"10.1.0.300"')
    town.start_daemon()
    expect("nothing is in force", status(town)["state"] == "sealed")
    before = town.rules()
    town.edit_config('"10.1.0.300"', '"10.1.0.10"')
    code, answer = sekisho(town, "apply", "--confirm", "600s")
    finding = answer["findings"][-1]
    expect("a change that could not go back is not made", code == 1 and answer["result"] == "refused" and finding["id"] == "confirm-no-return", answer)
    expect("which is said with the reason", finding["en"]["sentence"] == "There is nothing the change could go back to (No such file or directory); nothing was changed."
           and finding["ja"]["sentence"] == "元に戻すための設定を用意できないため(No such file or directory)、何も変更していません。", finding)
    expect("and with what to do", "without --confirm" in finding["en"]["action"] and "--confirm を付けずに" in finding["ja"]["action"], finding)
    expect("nothing was changed, and nothing waits", town.rules() == before and status(town)["state"] == "sealed" and status(town)["confirm_until"] is None)
    code, answer = sekisho(town, "apply")
    expect("without --confirm it is made", code == 0 and answer["result"] == "committed" and status(town)["state"] == "in-force", answer)
    town.stop_daemon()


def check_nothing_to_go_back_to(town):
    """The text to go back to is damaged: what is on the disk is put in force, and the way back goes on to be tried."""
    await_true("nothing waits", lambda: status(town)["confirm_until"] is None)
    apply_for(town, 600)
    town.stop_daemon()
    with open(os.path.join(town.state_dir, "confirm"), "r+b") as file:
        file.write(b"another boot")
    os.truncate(os.path.join(town.state_dir, "previous.conf"), 100)
    town.run("gateway", ["nft", "flush ruleset"])
    town.start_daemon()
    expect("it starts all the same", status(town)["state"] == "in-force" and "3390" in town.rules(), status(town))
    expect("which is recorded", "refused" in events(town)[-3:])
    expect("the status says that it waits", status(town)["confirm_until"] is not None)
    code, answer = sekisho(town, "confirm")
    expect("and it can be confirmed", code == 0 and answer["result"] == "confirmed" and status(town)["confirm_until"] is None, answer)


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        check_nothing_to_return_to(town)
    with Town(hosts=[]) as town:
        town.start_daemon()
        check_return(town)
        check_return_interrupted(town)
        check_confirm(town)
        check_refused(town)
        check_restart(town)
        check_reboot(town)
        check_nothing_to_go_back_to(town)


if __name__ == "__main__":
    main()
