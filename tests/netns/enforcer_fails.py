#!/usr/bin/python3
"""When the kernel, or the process that speaks with it, fails in the middle of an apply, whoever asked is told what failed, and nothing is changed.

Netlink loses what the kernel answers to the enforcer; the kernel refuses a transaction; somebody else commits before each of ours; the kernel does not hold
what it acknowledged; and the enforcer is killed while an apply waits for it. The rules stay what they were, and an apply after that is committed. Where an
isolation cannot be put in force nothing is forwarded, and nothing that happens afterwards opens the way without it.
"""

import errno
import json
import os
import queue
import signal
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from faults import Faults  # noqa: E402
from isolate import sekisho  # noqa: E402
from town import Town, await_true, skip_unless_possible  # noqa: E402

PORT, OTHER_PORT = "[ 3389 ]", "[ 3389, 3390 ]"
ZONE, WIDER_ZONE = 'interfaces = [ "in0" ]', 'interfaces = [ "in0", "in1" ]'
MANY = 1000000
HOOKS_MAX = 1024  # MAX_HOOK_COUNT of the kernel's net/netfilter/core.c


def expect(what, condition, detail=""):
    if not condition:
        raise AssertionError(f"{what} {detail}")
    print(f"ok: {what}", flush=True)


def ids(answer):
    return {finding["id"] for finding in answer.get("findings", [])}


def check_unreadable(town, faults):
    """Netlink loses what the kernel answers."""
    before = town.rules()
    town.edit_config(PORT, OTHER_PORT)
    faults.arm("enforcer", "receive", errno.ENOBUFS, times=MANY)
    answer = town.apply(reason="another port")
    expect("what was in force is forwarded: nothing was sent", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")
    faults.disarm()
    expect("a kernel that cannot be read is told", answer["result"] in ("refused", "failed") and "kernel-unreadable" in ids(answer), answer)
    expect("nothing was changed", town.rules() == before)
    await_true("an apply after that is committed", lambda: town.apply(reason="another port")["result"] in ("committed", "unchanged"))
    expect("and the port is open", "3390" in town.rules())


def expect_refusal(town, name, sentences, actions):
    """An apply is refused with this alone, which is said in both languages."""
    answer = town.apply(reason="what the kernel does not take")
    found = [finding for finding in answer["findings"] if finding["severity"] == "error"]
    expect(f"{name} is told", answer["result"] == "refused" and [finding["id"] for finding in found] == [name], answer)
    for language, sentence, action in zip(("en", "ja"), sentences, actions):
        expect(f"in words ({language})", sentence in found[0][language]["sentence"] and action in found[0][language]["action"], found)


def check_refused(town):
    """Another interface joins a zone, and there is no room for our chain at it: somebody has as many there as there can be."""
    town.ip("gateway", "link add in1 type veth peer name in2")
    chains = "".join(f"add chain netdev crowd c{number} {{ type filter hook ingress device in1 priority 0; }}\n" for number in range(HOOKS_MAX))
    town.run("gateway", ["nft", "-f", "-"], input="add table netdev crowd\n" + chains)
    before = town.rules()
    town.edit_config(ZONE, WIDER_ZONE)
    expect_refusal(town, "kernel-refused", ("The kernel refused the rules; nothing was changed: ", "カーネルがルールを受け付けなかったため、何も変更していません: "),
                   ("Look at the journal of sekishod and of the kernel.", "sekishod とカーネルのジャーナルを確認してください。"))
    expect("nothing was changed", town.rules() == before)
    town.run("gateway", ["nft", "delete", "table", "netdev", "crowd"])
    expect("an apply after that is committed", town.apply(reason="again")["result"] == "committed" and "in1" in town.rules())
    town.edit_config(WIDER_ZONE, ZONE)
    expect("as is the way back", town.apply(reason="back")["result"] == "committed" and "in1" not in town.rules())
    expect("nobody is said to have changed our rules", "SKS-DRIFT" not in town.log_text())
    town.ip("gateway", "link del in1")


def check_restless(town, faults):
    """Whenever ours is sent, somebody else's was first."""
    before = town.rules()
    town.edit_config(PORT, OTHER_PORT)
    faults.arm("enforcer", "overtaken", 1, times=MANY)
    expect_refusal(town, "kernel-restless",
                   ("Somebody else kept changing rules in the kernel", "ほかのプログラムがカーネルのルールを変更し続けているため"), ("nft monitor", "nft monitor"))
    faults.disarm()
    expect("nothing was changed", town.rules() == before)
    faults.arm("enforcer", "overtaken", 1, times=2)
    expect("somebody who is first twice does not hinder it", town.apply(reason="another port")["result"] == "committed" and "3390" in town.rules())
    town.edit_config(OTHER_PORT, PORT)
    expect("and it goes back", town.apply(reason="back")["result"] == "committed" and "3390" not in town.rules())


def check_readback(town, faults):
    """Whatever was committed, the kernel tells of chains that accept by default: nobody knows what may pass, until what was in force is read again."""
    town.edit_config(PORT, OTHER_PORT)
    faults.arm("enforcer", "misread", 1, times=MANY)
    expect_refusal(town, "readback-differs", ("is not what was committed", "設定した内容と一致しません"), ("nft monitor", "nft monitor"))
    expect("nothing is forwarded", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "0")
    faults.disarm()
    await_true("what was in force is in force again", lambda: "3390" not in town.rules() and town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")
    expect("an apply after that is committed", town.apply(reason="another port")["result"] == "committed" and "3390" in town.rules())


def check_gone(town):
    """The enforcer is killed while it is asked."""
    answers, victim = queue.Queue(), town.role_pid("enforcer")
    town.edit_config(OTHER_PORT, PORT)
    os.kill(victim, signal.SIGSTOP)
    asker = threading.Thread(target=lambda: answers.put(town.apply(reason="the port is not needed")))
    asker.start()
    await_true("it has begun", lambda: 'apply was asked for uid=0 reason="the port is not needed"' in town.log_text())
    os.kill(victim, signal.SIGKILL)
    answer = answers.get()
    asker.join()
    expect("who asked is told that the enforcer is gone", answer["result"] == "failed" and ids(answer) == {"enforcer-gone"}, answer)
    await_true("another enforcer takes the next one", lambda: town.apply(reason="again")["result"] in ("committed", "unchanged"))
    expect("and the port is closed", "3390" not in town.rules())


def isolated_interfaces(town):
    listed = json.loads(town.run("gateway", ["nft", "-j", "list", "set", "inet", "sekisho", "isolated"]).stdout)
    return [element for entry in listed["nftables"] for element in entry.get("set", {}).get("elem", [])]


def check_isolation(town, faults):
    """Nothing can be sent while a zone is isolated; then it can, and the first that comes is a change of rules that have nothing to do with ours."""
    faults.arm("enforcer", "send", errno.ENOBUFS, times=MANY)
    code, answer = sekisho(town, "isolate", "internet")
    expect("an isolation that is not in force is told", code != 0 and answer["result"] == "failed", answer)
    expect("nothing is forwarded", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "0")
    drifts = town.log_text().count("SKS-DRIFT")
    faults.disarm()
    town.run("gateway", ["nft", "add", "table", "inet", "stranger"])
    await_true("what may pass is forwarded again", lambda: town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1")
    expect("the zone is cut off by then", len(isolated_interfaces(town)) == 1, town.rules())
    expect("and nobody is said to have changed our rules", town.log_text().count("SKS-DRIFT") == drifts)
    expect("it is released", sekisho(town, "release", "internet")[1]["result"] == "released" and isolated_interfaces(town) == [])
    check_isolation_again(town, faults)


def check_isolation_again(town, faults):
    """The same, and nothing comes but the order once more."""
    faults.arm("enforcer", "send", errno.ENOBUFS, times=MANY)
    expect("another one fails", sekisho(town, "isolate", "internet")[1]["result"] == "failed")
    faults.disarm()
    expect("the same order is carried out", sekisho(town, "isolate", "internet")[1]["result"] == "isolated")
    expect("and the rest is forwarded", town.read_sysctl("gateway", "net/ipv4/ip_forward") == "1" and len(isolated_interfaces(town)) == 1)
    expect("it is released, too", sekisho(town, "release", "internet")[1]["result"] == "released" and isolated_interfaces(town) == [])


def main():
    skip_unless_possible("nft")
    with Town(hosts=[]) as town:
        faults = Faults(town)
        town.start_daemon()
        check_refused(town)
        check_restless(town, faults)
        check_readback(town, faults)
        town.edit_config(OTHER_PORT, PORT)
        check_unreadable(town, faults)
        check_gone(town)
        check_isolation(town, faults)
        expect("the daemon stops", town.stop_daemon() == 0)


if __name__ == "__main__":
    main()
