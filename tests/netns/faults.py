"""Lets memory, netlink and the clock of a daemon fail: the page that tests/netns/preload/faults.c shares with a test.

    with Town() as town:
        faults = Faults(town)
        town.start_daemon()
        faults.set_clock(3600)
        faults.arm("enforcer", "receive", errno.ENOBUFS)
"""

import mmap
import os
import struct

from town import BUILD

LIBRARY = os.path.join(BUILD, "tests", "netns", "preload", "faults.so")
ROLES = ("parent", "planner", "enforcer", "witness", "sentry")
KINDS = ("allocate", "send", "receive", "channel", "overtaken", "misread")
NETLINK_KINDS = KINDS[1:3]
CLOCK = struct.Struct("<q")
FAULT = struct.Struct("<iii")  # how many, countdown, error


class Faults:
    """What is to fail in a town's daemon; made before the daemon starts."""

    def __init__(self, town):
        path = os.path.join(town.directory, "faults")
        with open(path, "w+b") as file:
            file.truncate(mmap.PAGESIZE)
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        town.before_program = ["env", f"LD_PRELOAD={LIBRARY}", f"SEKISHO_FAULTS={path}"]

    def arm(self, role, kind, error, number=1, times=1):
        """The number-th call from now on fails, and so do the next ones until times have."""
        at = CLOCK.size + (ROLES.index(role) * len(KINDS) + KINDS.index(kind)) * FAULT.size
        self.page[at + 4:at + FAULT.size] = struct.pack("<ii", number, error)
        self.page[at:at + 4] = struct.pack("<i", times)

    def disarm(self):
        size = FAULT.size * len(ROLES) * len(KINDS)
        self.page[CLOCK.size:CLOCK.size + size] = bytes(size)

    def set_clock(self, seconds):
        """So much later is it for the daemon."""
        self.page[:CLOCK.size] = CLOCK.pack(seconds)
