"""What happened around a moment of the leak test (leak.py): its events, what they did, and what the roles of the daemon said, in the order of time."""

import bisect
import os
import threading
import time

BEFORE_S, AFTER_S = 1.0, 0.6	# of a moment that is asked for
ASIDE = ("SKS-REFUSAL", "SKS-NEW-TALKER") # tell of what is forbidden
APART_S = 0.5			# what was lost so close together is one story


class Story:
    """Lines with their monotonic seconds. It takes the place of the town's log, because the log has no times; made before the daemon starts."""

    def __init__(self, town):
        self.lines = []			# (monotonic seconds, text)
        self.said = os.path.join(town.directory, "said")
        os.mkfifo(self.said)
        # Both ends, so that there is no end of the file between two daemons.
        self.end = os.open(self.said, os.O_RDWR)
        town.log, town.log_text = self.said, self.log_text
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        rest = b""
        while True:
            lines = (rest + os.read(self.end, 65536)).split(b"\n")
            rest = lines.pop()
            for line in lines:
                self.tell("\t" + line.decode(errors="replace"))	# a tab: a role's line

    def tell(self, text):
        self.lines.append((time.monotonic(), text))

    def log_text(self):
        """As Town's."""
        return "".join(f"{text[1:]}\n" for _, text in self.lines if text.startswith("\t"))

    def around(self, moment):
        """What was told around a moment, as lines."""
        lines = sorted(self.lines)
        first, last = (bisect.bisect(lines, (at,)) for at in (moment - BEFORE_S, moment + AFTER_S))
        return [f"{at:.3f} {text}" for at, text in lines[first:last] if not any(word in text for word in ASIDE)]

    def of(self, moments):
        """The stories of moments; those that are close together have one. What happened stands before and after a line for the moment itself."""
        stories, last = [], None
        for moment in sorted(moments):
            if last is None or moment - last > APART_S:
                stories += [f"---- {moment:.3f}"] + self.around(moment)
            last = moment
        return stories
