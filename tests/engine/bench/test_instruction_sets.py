"""What a table of figures says of the processor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from worker.engine.instruction_sets import instruction_sets

TAKES = f"torch takes {torch.backends.cpu.get_cpu_capability()}"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("flags\t\t: fpu avx avx2 fma", "AVX2"),
        ("flags\t\t: avx2 avx512f avx512_vnni avx512_bf16", "AVX2, AVX-512, VNNI, bfloat16"),
        ("flags\t\t: avx2 avx_vnni amx_tile", "AVX2, VNNI, AMX"),
        ("Features\t: fp asimd sve", "NEON, SVE"),
        ("flags\t\t: fpu sse2", "none that is known"),
    ],
)
def test_sets_are_named_as_people_know_them(
    line: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    (tmp_path / "cpuinfo").write_text(f"model name\t: Some CPU\n{line}\n")
    assert instruction_sets(tmp_path / "cpuinfo") == f"{named}; {TAKES}"


def test_what_limits_the_libraries_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    said = instruction_sets(tmp_path / "absent")
    assert said == f"none that is known; {TAKES}; ONEDNN_MAX_CPU_ISA=AVX2"
