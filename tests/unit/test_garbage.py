"""A process of ours looks for garbage seldom while it starts, and then as often as any other."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
usual = gc.get_threshold()
import shared.settings
while_starting = gc.get_threshold()
from shared.garbage import look_as_usual
look_as_usual()
assert gc.isenabled() and while_starting[0] > 100 * usual[0], (usual, while_starting)
assert gc.get_threshold() == usual and gc.get_freeze_count() > 0
"""


def test_it_looks_seldom_while_it_starts_and_then_as_usual() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
