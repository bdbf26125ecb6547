#!/usr/bin/python3
"""What a zone file says, what `sekisho why` says of the file and of the kernel, and what a real packet does: they must agree.

Each policy is drawn at random within the law and put in force by `sekisho apply`; then packets are sent around the borders of its flows,
and connections that began under the policy before it go on. Four voices are heard of each packet: the meaning of the file as it is worked
out here (random_policy.py), `why --batch --file`, `why --batch --live`, and the wire.

SEKISHO_POLICIES (300) and SEKISHO_SEED (1) say how many and from which on; a failure names the seed that shows it again.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from crossing import Crossing, ends_of  # noqa: E402
from probes import Prober, Talk  # noqa: E402
from random_policy import edited, random_policy  # noqa: E402
from sequences import play_scenes  # noqa: E402
from town import SOURCE, skip_unless_possible  # noqa: E402

SEKISHO = os.environ.get("SEKISHO") or os.path.join(SOURCE, "build", "sekisho")
POLICIES_PER_TOWN = 4		# one from nothing and three edits of it
POLICIES_PER_SCENES = 20		# after so many there are scenes (sequences.py)
SCENES_AT_ONCE = 2
LATE_SECONDS = 2
PERMITTED_SHARE_MIN = 0.30
POLICIES_FOR_ALL_KINDS = 100	# so many policies must bring every kind of probe

# The kinds of probe that must have passed, and those that must have been refused, in a long run.
PASSING = (
    "inside", "port", "source first", "destination last", "fragments", "fragments, last first", "hop-by-hop options",
    "destination options", "both options", "atomic fragment", "record route", "TCP SYN with ECN", "conversation, reply",
    "conversation, original", "after a reload, reply", "after a reload, original", "ICMP error, reply", "ICMP error, original",
    "ICMP error by another host", "service", "egress", "echo answered by the gateway", "answer to the gateway", "behind the uplink")
REFUSED = (
    "port", "mail port", "source first - 1", "destination last + 1", "another MAC", "by another wire", "by another host",
    "the other way", "protocol", "ICMP type", "TCP flags", "TCP wrong checksum", "UDP wrong checksum", "SCTP chunk",
    "echo with a wrong checksum", "source route", "routing header", "VLAN tags", "frame to", "ethertype", "fragments, one missing",
    "fragments, one by another zone", "fragments, one by another MAC", "after a reload, reply", "after a reload, original",
    "ICMP error of no connection", "ICMP error by another host", "AH around the connection's ports",
    "conversation, reply by another MAC", "conversation, reply by another wire", "service by another MAC", "service port",
    "egress by another user", "egress port", "behind the uplink")


def policy_of_seed(seed):
    """The policy that a seed stands for: one of each four is drawn anew, the others are edits of the one before."""
    policy = random_policy(random.Random(seed - seed % POLICIES_PER_TOWN))
    for step in range(seed - seed % POLICIES_PER_TOWN + 1, seed + 1):
        policy = edited(policy, random.Random(step))
    return policy


class Truth:
    """Policies one after the other at one crossing, and what was found out."""

    def __init__(self, crossing):
        self.crossing = crossing
        self.counts = Counter()
        self.kinds = Counter()		# (kind of probe, permitted)
        self.talks = []			# connections of the policy before
        self.policy = None

    # ---- the voices

    def ask(self, probes, live):
        """What `why --batch` says to each probe that has a question."""
        asked = [probe for probe in probes if probe.question and (live or self.is_offline_question(probe))]
        if not asked:
            return
        voice = "live" if live else "file"
        lines = "".join(self.line(probe, voice) + "\n" for probe in asked)
        command = [SEKISHO, "--lang", "en", "why", "--batch", "-"]
        if live:
            result = self.crossing.run("gateway", command + ["--live"], check=False, input=lines)
        else:
            result = subprocess.run(command + ["--file", self.crossing.config], input=lines, capture_output=True, text=True, check=False)
        answers = result.stdout.splitlines()
        assert result.returncode == 0 and len(answers) == len(asked), f"{command}: {result.stdout} {result.stderr}\n{lines}"
        for probe, answer in zip(asked, answers):
            probe.answers[voice] = answer

    def is_offline_question(self, probe):
        """Without a kernel there are only the interfaces of zones."""
        return all(self.policy.zone_of_interface(probe.question[end]) for end in ("iif", "oif") if end in probe.question)

    def line(self, probe, voice):
        words = dict(probe.question)
        if "user" in words:
            words["uid"] = self.crossing.uids()[words.pop("user")] if voice == "live" else made_up_uid(words.pop("user"))
        if probe.opener:
            words["mark"] = probe.opener.mark(voice)
        return " ".join(f"{key}={word}" for key, word in words.items())

    def hear(self, probes):
        """Sends the probes and writes down what the wire said to each: pass, refuse, or what is neither."""
        heard = self.crossing.exchange([sending for probe in probes for sending in probe.sendings])
        arrived = self.arrivals(probes, heard)
        missing = [number for probe in probes if probe.permitted for number in probe.numbers if number not in arrived[id(probe)]]
        if missing:
            heard += self.crossing.hear_until(missing, LATE_SECONDS)
            late = self.arrivals(probes, heard)
            self.counts["late"] += sum(number in late[id(probe)] for probe in probes for number in missing)
            arrived = late
        for probe in probes:
            probe.answers["wire"] = self.wire_words(probe, arrived[id(probe)])
        return heard

    @staticmethod
    def arrivals(probes, heard):
        """The numbers that arrived of each probe, with its own addresses and at its place."""
        arrived = {id(probe): [] for probe in probes}
        by_number = {}
        for probe in probes:
            for number in probe.numbers:
                by_number.setdefault(number, []).append(probe)
        for one in heard:
            for number in one.tokens:
                for probe in by_number.get(number, ()):
                    if one.interface == probe.place and (one.interface is None or ends_of(one.frame) == probe.ends):
                        arrived[id(probe)].append(number)
        return arrived

    @staticmethod
    def wire_words(probe, arrived):
        if sorted(arrived) == sorted(probe.numbers):
            return "pass"
        return "refuse" if not arrived else f"torn: {sorted(arrived)} of {sorted(probe.numbers)}"

    # ---- judging

    def judge(self, probes, heard):
        self.judge_strays(probes, heard)
        for probe in probes:
            self.counts["probes"] += 1
            self.counts["permitted"] += probe.permitted
            self.kinds[probe.kind(), probe.permitted] += 1
            self.counts["answers of three voices"] += len(probe.answers) == 3
            word = "pass" if probe.permitted else "refuse"
            wrong = [voice for voice, answer in probe.answers.items() if answer.split()[0] != word]
            for voice in ("file", "live"):
                named = probe.answers.get(voice, "").partition(" flow=")[2]
                if probe.permitted and voice in probe.answers and voice not in wrong and named not in probe.flows:
                    wrong.append(f"{voice} (another flow)")
            if wrong:
                self.disagree(probe, word, wrong)

    def judge_strays(self, probes, heard):
        """What was heard must be a probe where it belongs, or an answer to a refused one in a pair of zones that answers."""
        by_number = {number: probe for probe in probes for number in probe.numbers}
        for one in heard:
            probe = by_number.get(one.tokens[-1])	# in an error of ours the token stands behind what it quotes
            if probe is None:
                raise AssertionError(f"heard what nobody sent: {one}")
            if one.interface is None or ends_of(one.frame) in (probe.ends, probe.ends[::-1]):
                continue
            self.counts["errors by the gateway"] += 1
            if not probe.rejected and probe.place is not None and probe.sendings and len(probe.sendings[0]) == 2:
                self.disagree(probe, "silence", [f"an answer at {one.interface}: {one.frame.hex()}"])

    def disagree(self, probe, word, wrong):
        lines = [f"disagreement: {probe.what}", f"  by the file it is: {word} {probe.flows}", f"  against it: {wrong}"]
        lines += [f"  {voice}: {answer}" for voice, answer in probe.answers.items()]
        if probe.question:
            lines.append("  question: " + self.line(probe, "live"))
        for sending in probe.sendings:
            lines.append(f"  sent by {sending[0]}: {sending[1].hex()}")
        self.counts["disagreements"] += 1
        print("\n".join(lines), flush=True)

    def try_probes(self, probes, live_only=False):
        for live in (True,) if live_only else (True, False):
            self.ask(probes, live)
        self.judge(probes, self.hear(probes))

    # ---- one policy

    def apply(self, policy, seed):
        uplink = policy.uplink().interfaces[0]
        if self.policy is None or self.policy.uplink().interfaces[0] != uplink:
            self.crossing.route_uplink(uplink)
        with open(self.crossing.config, "w", encoding="utf-8") as file:
            file.write(policy.text())
        if self.crossing.daemon is None:
            self.crossing.start_daemon()
        self.policy = policy
        command = [SEKISHO, "--socket", os.path.join(self.crossing.run_dir, "control"), "--lang", "en", "apply", "--reason", f"policy {seed}"]
        result = self.crossing.run("gateway", command, check=False)
        assert result.returncode == 0, f"not applied: {result.stdout}{result.stderr}"

    def carry_on(self, prober):
        """Connections of the policy before: they go on if a flow allows them now, and end at once if none does."""
        for talk in self.talks:
            for reply in prober.chance.choice([(True, False), (False, True)]):
                talk.say(prober, "after a reload", reply)
        self.try_probes(prober.probes, live_only=True)
        self.talks = []

    def examine(self, policy, seed):
        """Everything about one policy."""
        chance = random.Random(seed)
        self.apply(policy, seed)
        self.carry_on(Prober(self.crossing, policy, chance))
        self.crossing.forget_connections()
        prober = Prober(self.crossing, policy, chance)
        for flow in policy.all_flows():
            {"forward": prober.around, "local": prober.to_gateway, "egress": prober.from_gateway}[flow.kind](flow)
        self.try_in_turn(prober)
        self.talks = [Talk(prober, probe, attempt) for probe, attempt in prober.pick_beginnings()]
        conversing = Prober(self.crossing, policy, chance)
        for talk in self.talks:
            talk.converse(conversing)
        self.try_probes(conversing.probes)

    def play(self, policy, seed):
        """Two scenes; the seed chooses which."""
        self.crossing.forget_connections()
        first = seed // POLICIES_PER_SCENES * SCENES_AT_ONCE
        self.counts["checks in scenes"] += play_scenes(self, policy, random.Random(seed), range(first, first + SCENES_AT_ONCE))
        self.crossing.forget_connections()
        self.talks = []

    def try_in_turn(self, prober):
        """First what begins something, then what goes on with it."""
        beginnings = [probe for probe in prober.probes if not probe.opener]
        followers = [probe for probe in prober.probes if probe.opener]
        for live in (True, False):
            self.ask(beginnings, live)
        for live in (True, False):
            self.ask(followers, live)
        self.judge(prober.probes, self.hear(prober.probes))


def made_up_uid(user):
    """What `why --file` takes for the uid of a user: it looks into no user database."""
    value = 0x811C9DC5
    for byte in user.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return 0x40000000 | value & 0x3FFFFFFF


def report_failure(seed, policy):
    print(f"seed {seed}: SEKISHO_SEED={seed} SEKISHO_POLICIES=1 shows it again. The policy:\n{policy.text()}", flush=True)


def main():
    skip_unless_possible("nft")
    first, count = int(os.environ.get("SEKISHO_SEED", "1")), int(os.environ.get("SEKISHO_POLICIES", "300"))
    started = time.monotonic()
    with Crossing() as crossing:
        truth = Truth(crossing)
        for seed in range(first, first + count):
            policy = policy_of_seed(seed)
            before = truth.counts["disagreements"]
            try:
                if seed == first and seed % POLICIES_PER_TOWN:
                    truth.examine(policy_of_seed(seed - 1), seed - 1)
                truth.examine(policy, seed)
                if seed % POLICIES_PER_SCENES == 0:
                    truth.play(policy, seed)
            except BaseException:
                report_failure(seed, policy)
                raise
            if truth.counts["disagreements"] > before:
                report_failure(seed, policy)
                break
    print(f"{count} policies, {dict(truth.counts)}, {time.monotonic() - started:.1f} s")
    for (kind, permitted), number in sorted(truth.kinds.items()):
        print(f"{number:7} {'passed' if permitted else 'refused'}: {kind}")
    share = truth.counts["permitted"] / truth.counts["probes"]
    assert truth.counts["disagreements"] == 0, "the voices disagree"
    assert share >= PERMITTED_SHARE_MIN, f"only {share:.0%} of the probes were permitted"
    missing = [kind for kinds, permitted in ((PASSING, True), (REFUSED, False)) for kind in kinds if not truth.kinds[kind, permitted]]
    assert count < POLICIES_FOR_ALL_KINDS or not missing, f"no probe of these kinds: {missing}"
    assert count < POLICIES_FOR_ALL_KINDS or truth.counts["errors by the gateway"], "no refusal was ever answered"
    print(f"ok: all voices agree on {truth.counts['probes']} packets, {share:.0%} of them permitted")


if __name__ == "__main__":
    main()
