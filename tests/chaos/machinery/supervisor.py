"""Restart a command whenever it ends, at once, as docker's `restart: always` does.

`python -m tests.chaos.machinery.supervisor COMMAND ...`

The command leads a group of its own, so that it can be killed whole.  SIGTERM is passed on, and
then nothing is started any more.
"""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.support.zygote.parent_death import die_with_parent


def main(command: list[str]) -> int:
    stopping = False
    process: subprocess.Popen[bytes] | None = None

    def stop(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True
        if process is not None and process.poll() is None:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    while not stopping:
        process = subprocess.Popen(command, process_group=0, preexec_fn=die_with_parent)
        if stopping:  # told so while it was being started
            process.terminate()
        process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
