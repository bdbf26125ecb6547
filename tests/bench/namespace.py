"""Commands, and network namespaces to run them in."""

import os
import subprocess


def run(command, **more):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if result.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: {result.stderr}")
    return result.stdout


class Namespace:
    """A network namespace that goes with the block."""

    count = 0

    def __enter__(self):
        Namespace.count += 1
        self.name = f"skbench{os.getpid()}-{Namespace.count}"
        run(["ip", "netns", "add", self.name])
        self.run(["ip", "link", "set", "lo", "up"])
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def run(self, command, **more):
        return run(["ip", "netns", "exec", self.name] + command, **more)
