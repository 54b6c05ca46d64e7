"""Instruction sets of the processor that the networks may use; figures are comparable only with the
same ones."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from worker.engine.layers.int8 import CPUINFO, processor_flags

_SETS = {
    "AVX2": {"avx2"},
    "AVX-512": {"avx512f"},
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "bfloat16": {"avx512_bf16", "amx_bf16"},
    "AMX": {"amx_tile"},
    "NEON": {"asimd"},
    "SVE": {"sve"},
}
"""Instruction sets that libraries of matrix products tell apart, by Linux's names."""

_LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
"""Variables by which torch and its oneDNN are kept to less; ONNX Runtime has none."""


def instruction_sets(cpuinfo: Path = CPUINFO) -> str:
    """'AVX2, AVX-512, VNNI; torch takes AVX512', and what limits it in this process."""
    flags = processor_flags(cpuinfo)
    there = [name for name, any_of in _SETS.items() if flags & any_of]
    limits = [f"{name}={os.environ[name]}" for name in _LIMITS if os.environ.get(name)]
    takes = f"torch takes {torch.backends.cpu.get_cpu_capability()}"
    return "; ".join([", ".join(there) or "none that is known", takes, *limits])
