"""Check whether this machine lets a process put itself into the sandbox.

The filter cannot be taken off again, so `python -m worker.audio.sandbox.check` tries it in a
process of its own: exit status 0, or 1 with the reason on standard error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from worker.audio.sandbox.seccomp import SeccompUnavailable, confine
from worker.audio.sandbox.system_calls import Role

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_WITHIN_S = 20.0


def why_unavailable() -> str | None:
    """The reason why recordings would be decoded without the filter here; None: it is there."""
    try:
        tried = subprocess.run(
            [sys.executable, "-B", "-P", "-s", "-m", "worker.audio.sandbox.check"],
            env={"PYTHONPATH": str(_SOURCE_ROOT), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_WITHIN_S:.0f} s"
    if tried.returncode == 0:
        return None
    said = tried.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return said or f"the check ended with status {tried.returncode}"


def main() -> int:
    try:
        confine(Role.DECODER)
    except SeccompUnavailable as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
