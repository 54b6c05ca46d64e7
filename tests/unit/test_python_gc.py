"""A process of ours looks for garbage seldom while it starts, and then as often as any other."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
usual = gc.get_threshold()
import shared.settings
while_starting = gc.get_threshold()
from shared.python_gc import collect_as_usual
collect_as_usual()
assert gc.isenabled() and while_starting[0] >= 100 * usual[0], (usual, while_starting)
assert gc.get_threshold() == usual and gc.get_freeze_count() > 0
"""


def test_it_looks_seldom_while_it_starts_and_then_as_usual() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


ENDS = """
import gc, os, shared
gc.callbacks.append(lambda phase, info: os.write(1, b"looked at %d" % len(gc.get_objects())))
kept = [[] for _ in range(10_000)]
"""


def test_it_looks_at_nothing_when_it_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], check=True, capture_output=True)
    looked_at = [int(said) for said in ended.stdout.decode().split("looked at ")[1:]]
    assert all(number < 1_000 for number in looked_at), looked_at
