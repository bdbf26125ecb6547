"""What happens to the gateway in the leak test (leak.py), one thing at a time and some at once, and what is known of it afterwards."""

import contextlib
import errno
import json
import math
import os
import signal
import socket
import threading
import time

from faults import NETLINK_KINDS, ROLES, Faults
from leak_world import EDITS, PLACES, restore_zone, write_policy
from town import DEADLINE_S, FRAME, VERB_APPLY, VERB_STATUS, ZONES, verb_numbers

VERBS = verb_numbers()
ASK_S = 3
ERRORS = (errno.ENOBUFS, errno.EPERM, errno.ENOMEM)
DAY_S = 24 * 3600
CLOCKS_S = (0, 0, 3600, -3600, -3650 * DAY_S, 10 * DAY_S)
STATE_MIB = 48

# event: how often, to the others
CALM = ("apply", "apply meanwhile", "kill", "stop", "restart", "isolate", "confirm", "clock", "disk") # concern no flow that they do not name
PHASE = 30	# events; in every other phase only calm ones
EVENTS = {"apply": 10, "apply meanwhile": 6, "kill": 10, "stop": 8, "restart": 2, "carrier": 8, "down": 5, "rename": 4, "swap": 2, "replace": 2,
          "isolate": 16, "confirm": 0.5, "memory": 6, "netlink": 8, "clock": 6, "disk": 4}


class Gateway:
    """The daemon in its town, and what is known of it."""

    def __init__(self, town, chance, expectation, story):
        self.town, self.chance, self.expectation, self.story = town, chance, expectation, story
        self.faults = Faults(town)
        self.state = dict.fromkeys(EDITS, 0)
        self.clock_s, self.soon_is_over = 0, False
        self.unkept = False		# an isolation that may not outlive a restart
        self.full = None		# the file that fills the disk
        self.begun = 0			# events
        self.counts = dict.fromkeys(EVENTS, 0)

    # ---- talking with it

    def ask(self, verb, body=None):
        """One request; an OSError when there is no answer."""
        payload = json.dumps(body).encode() if body is not None else b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(ASK_S)
            control.connect(os.path.join(self.town.run_dir, "control"))
            control.sendall(FRAME.pack(b"SKS1", verb, 0, len(payload)) + payload)
            with control.makefile("rb") as answer:
                header = answer.read(FRAME.size)
                if len(header) < FRAME.size:
                    raise ConnectionResetError
                text = answer.read(FRAME.unpack(header)[3])
        try:
            return json.loads(text)
        except ValueError as error:
            raise ConnectionResetError from error

    def ask_or_none(self, verb, body=None):
        try:
            return self.ask(verb, body)
        except OSError:
            return None

    def doubt(self, **what):
        """Something may be otherwise from now on. wired, isolated: a zone; sound: None; flows: a state that may come."""
        expectation = self.expectation
        if "sound" in what:
            expectation.sound = None
        if "wired" in what:
            expectation.wired[what["wired"]] = None
        if "isolated" in what:
            expectation.isolated[what["isolated"]] = None
        for flow, passes in expectation.flows.items():
            if flow in what.get("flows", {}) and passes is not bool(what["flows"][flow]):
                expectation.flows[flow] = None
        expectation.update()

    def know_flows(self, state):
        self.state = state
        self.soon_is_over = self.soon_is_over or self.clock_s >= 10 * DAY_S
        for flow in self.expectation.flows:
            self.expectation.flows[flow] = not self.soon_is_over if flow == "soon" else bool(state[flow])

    def doubtful(self):
        expectation = self.expectation
        return None in (expectation.sound, *expectation.flows.values(), *expectation.isolated.values(), *expectation.wired.values())

    def settle(self):
        """Everything is as it should be again, and known to be."""
        end, patience = time.monotonic() + DEADLINE_S, time.monotonic() + 1
        self.faults.disarm()
        for zone, wired in self.expectation.wired.items():
            if not wired:
                restore_zone(self.town, zone)
        self.story.tell("settling")
        while not self._settle_once():
            if time.monotonic() > end:
                raise AssertionError(f"the gateway does not come back: {self.ask_or_none(VERB_STATUS)}")
            if time.monotonic() > patience or not all(self.role_pid(role) for role in ROLES):
                self.restart(signal.SIGKILL)
                patience = time.monotonic() + 3
        self.expectation.update()
        self.story.tell("settled")

    def _settle_once(self):
        status = self.ask_or_none(VERB_STATUS)
        if not status or not status["enforcer"]["connected"]:
            return False
        if status["confirm_until"] is not None:
            self.ask_or_none(VERBS["CONFIRM"], {})
            return False
        write_policy(self.town, self.state)
        answer = self.ask_or_none(VERB_APPLY, {})
        if not answer or answer["result"] not in ("committed", "unchanged"):
            return False
        isolated = [item["zone"] for item in status["isolated"]]
        self.know_flows(self.state)
        self.expectation.sound = True
        for zone in PLACES:
            self.expectation.wired[zone] = True
            self.expectation.isolated[zone] = zone in isolated or "*" in isolated
        return True

    def restart(self, number):
        """The whole daemon; what it forbids goes on meanwhile."""
        self.story.tell(f"restart by signal {number}")
        if self.unkept:
            for zone in PLACES:
                self.expectation.isolated[zone] = None
            self.expectation.update()
        for _ in range(3):
            if self.town.daemon.poll() is None:
                self.town.stop_daemon(number)
            self.faults.disarm()
            try:
                self.town.start_daemon()
                return
            except AssertionError:
                if self.town.daemon.poll() is None:
                    raise
        raise AssertionError("the daemon does not start")

    # ---- events

    def happen(self):
        """One event, at random; sometimes nothing is put right before the next."""
        calm = self.begun // PHASE % 2 == 0
        event = self.chance.choices(list(EVENTS), [weight if not calm or name in CALM else 0 for name, weight in EVENTS.items()])[0]
        self.begun += 1
        self.story.tell(f"event {self.begun}: {event}")
        self.counts[event] += 1
        getattr(self, "event_" + event.replace(" ", "_"))()
        if self.doubtful() and (calm or self.chance.random() < 0.5):
            self.settle()

    def edited(self):
        state = dict(self.state)
        for edit in self.chance.sample(list(EDITS), self.chance.choice((1, 1, 2, 4))):
            state[edit] = (state[edit] + self.chance.randrange(1, EDITS[edit])) % EDITS[edit] if EDITS[edit] > 1 else 0
        return state

    def event_apply(self, **more):
        state = self.edited()
        write_policy(self.town, state)
        self.doubt(flows=state)
        answer = self.ask_or_none(VERB_APPLY, more)
        self.story.tell(f"apply {more}: {answer and answer['result']}")
        # A fault that is still due may have come between the change and the answer.
        if answer and answer["result"] == "committed" and not self.doubtful_but_flows():
            self.know_flows(state)
            self.expectation.update()
        return answer

    def doubtful_but_flows(self):
        return self.expectation.sound is None

    def event_apply_meanwhile(self):
        """An apply that something else happens to."""
        thread = threading.Thread(target=self.event_apply)
        thread.start()
        time.sleep(self.chance.random() * 0.05)
        self.chance.choice((self.event_kill, self.event_stop, self.event_isolate))()
        thread.join()

    def role_pid(self, role):
        return self.town.daemon.pid if role == "parent" else self.town.role_pid(role)

    def event_kill(self):
        role = self.chance.choice(ROLES[1:])
        pid = self.role_pid(role)
        if pid:
            os.kill(pid, signal.SIGKILL)
        self.story.tell(f"killed {role}, {pid}")

    def event_stop(self):
        role = self.chance.choice(ROLES)
        pid = self.role_pid(role)
        if not pid:
            return
        os.kill(pid, signal.SIGSTOP)
        self.story.tell(f"halted {role}, {pid}")
        time.sleep(self.chance.random() * 0.1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        self.story.tell(f"{role} goes on")

    def event_restart(self):
        self.restart(self.chance.choice((signal.SIGTERM, signal.SIGKILL)))

    def some_zone(self):
        zone = self.chance.choice(list(PLACES))
        self.doubt(wired=zone)
        return zone, ZONES[zone][0]

    def pause(self):
        time.sleep(self.chance.random() * 0.03)

    def event_carrier(self):
        """A cable is pulled out and put in again."""
        zone, _ = self.some_zone()
        self.town.ip("switch", f"link set g-{zone} down")
        self.pause()
        self.town.ip("switch", f"link set g-{zone} up")

    def event_down(self):
        zone, interface = self.some_zone()
        self.town.ip("gateway", f"link set {interface} down")
        self.pause()
        restore_zone(self.town, zone)

    def event_rename(self):
        _, interface = self.some_zone()
        self.town.ip("gateway", f"link set {interface} name away0")
        self.pause()
        self.town.ip("gateway", f"link set away0 name {interface}")

    def event_swap(self):
        """The cables of two zones by each other's names."""
        (one, first), (other, second) = self.some_zone(), self.some_zone()
        if one == other:
            return
        for before, after in ((first, "away0"), (second, first), ("away0", second)):
            self.town.ip("gateway", f"link set {before} name {after}")
        time.sleep(self.chance.random() * 0.15)
        for before, after in ((second, "away0"), (first, second), ("away0", first)):
            self.town.ip("gateway", f"link set {before} name {after}")

    def event_replace(self):
        """Another card in the same slot."""
        zone, interface = self.some_zone()
        address = json.loads(self.town.ip("gateway", f"-j link show dev {interface}"))[0]["address"]
        self.town.ip("switch", f"link del g-{zone}")
        self.pause()
        self.town.plug("gateway", interface, zone, f"g-{zone}", address)
        restore_zone(self.town, zone)

    def event_isolate(self):
        isolated = [zone for zone, is_isolated in self.expectation.isolated.items() if is_isolated]
        if isolated and (len(isolated) > 1 or self.chance.random() < 0.7):
            self.order(VERBS["RELEASE"], self.chance.choice(isolated), "released", False)
        else:
            self.order(VERBS["ISOLATE"], self.chance.choice(list(PLACES)), "isolated", True)

    def order(self, verb, zone, done, isolated):
        self.doubt(isolated=zone)
        answer = self.ask_or_none(verb, {"zone": zone})
        self.story.tell(f"{zone} to be {done}: {answer and answer['result']}")
        if answer and answer["result"] == done:
            findings = [finding["id"] for finding in answer["findings"]]
            self.unkept = self.unkept or "not-recorded" in findings
            # What a new enforcer finds and cannot prove stays closed until it has something better.
            self.expectation.isolated[zone] = None if "release-later" in findings else isolated
            self.expectation.update()

    def event_confirm(self):
        """A change that nobody confirms."""
        before = self.state
        answer = self.event_apply(confirm=1)
        self.doubt(flows=before)
        if not answer or answer["result"] != "committed":
            return
        end = time.monotonic() + DEADLINE_S
        while (status := self.ask_or_none(VERB_STATUS)) is None or status["confirm_until"] is not None:
            if time.monotonic() > end:
                raise AssertionError(f"it did not go back: {status}")
            time.sleep(0.05)
        self.state = before
        write_policy(self.town, before)
        if self.expectation.sound:
            self.know_flows(before)
            self.expectation.update()

    def event_memory(self):
        """The n-th allocation fails."""
        self.doubt(sound=None)
        number = int(math.exp(self.chance.random() * math.log(4000)))
        self.faults.arm(self.chance.choice(ROLES), "allocate", errno.ENOMEM, number)
        self.work_with_fault()

    def event_netlink(self):
        """The n-th message to the kernel, or from it, fails."""
        self.doubt(sound=None)
        self.faults.arm(self.chance.choice(("planner", "enforcer", "enforcer", "enforcer")), self.chance.choice(NETLINK_KINDS),
                        self.chance.choice(ERRORS), self.chance.randrange(1, 40), self.chance.choice((1, 1, 2, 20)))
        self.work_with_fault()

    def work_with_fault(self):
        self.chance.choice((self.event_apply, self.event_apply, self.event_isolate, self.event_carrier, self.event_rename, self.event_kill))()

    def event_clock(self):
        self.clock_s = self.chance.choice(CLOCKS_S)
        if self.clock_s >= 10 * DAY_S and self.expectation.flows["soon"]:
            self.expectation.flows["soon"] = None
            self.expectation.update()
        self.faults.set_clock(self.clock_s)
        self.story.tell(f"the clock is {self.clock_s} s off")

    def event_disk(self):
        """The disk becomes full, or has room again."""
        path = os.path.join(self.town.state_dir, "full")
        if self.full:
            os.unlink(path)
        else:
            with open(path, "wb") as file, contextlib.suppress(OSError):
                while room := os.statvfs(self.town.state_dir).f_bavail:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room * os.statvfs(self.town.state_dir).f_bsize)
        self.full = not self.full
        self.story.tell(f"the disk {'is full' if self.full else 'has room'}")
