"""A worker imports torch without what it never runs; whoever needs that still gets it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys

from worker.engine.torch_import import import_torch

import_torch()
import torch

left_out = {"torch._meta_registrations", "torch._refs", "torch._decomp.decompositions"}
assert not left_out & sys.modules.keys(), left_out & sys.modules.keys()
assert (torch.ones(2, 3) @ torch.ones(3, 2)).tolist() == [[3.0, 3.0], [3.0, 3.0]]

import torch._meta_registrations

assert left_out <= sys.modules.keys()
assert torch.linalg.cholesky_ex(torch.zeros(3, 3, device="meta"))[0].shape == (3, 3)
"""


def test_rules_for_compilers_are_left_out_until_they_are_wanted() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
