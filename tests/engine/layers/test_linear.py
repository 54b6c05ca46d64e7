"""Packed linear layers give what torch's give, a row the same in any company."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from worker.engine.layers.linear import (
    WORTH_PACKING,
    WORTH_PACKING_BESIDE_AVX2,
    PackedLinear,
    PackedMatrix,
    pack_linear_layers,
    packs_linear_layers,
    worth_packing,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_gives_what_torch_gives(bias: bool) -> None:
    linear = nn.Linear(96, 160, bias=bias)
    x = torch.randn(3, 7, 96)
    torch.testing.assert_close(PackedLinear(linear)(x), linear(x), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_row_is_the_same_in_any_company() -> None:
    packed = PackedLinear(nn.Linear(512, 1536))
    x = torch.randn(400, 512)
    together = packed(x)
    for rows in (2, 3, 17, 64, 255):
        assert torch.equal(packed(x[:rows]), together[:rows])


@pytest.mark.parametrize("inputs", [128, 2_048, 3_001])
@torch.inference_mode()
def test_a_row_by_itself_is_the_same_too(inputs: int) -> None:
    packed = PackedMatrix(torch.randn(96, inputs))
    x = torch.randn(20, inputs)
    together = packed.product(x)
    for alone in (x[:1], x[:1, None], x[0]):
        assert torch.equal(packed.product(alone), together[0].expand(*alone.shape[:-1], -1))


@torch.inference_mode()
def test_takes_what_is_not_contiguous() -> None:
    linear = nn.Linear(32, 48)
    x = torch.randn(32, 5, 4).permute(1, 2, 0)
    torch.testing.assert_close(PackedLinear(linear)(x), linear(x), rtol=1e-4, atol=1e-5)


class _FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w_1, self.w_2, self.activation = nn.Linear(8, 24), nn.Linear(24, 8), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.w_2(self.activation(self.w_1(x)))
        return out


@torch.inference_mode()
def test_a_whole_network() -> None:
    network = nn.Sequential(_FeedForward(), nn.LayerNorm(8), nn.Linear(8, 3), nn.ReLU())
    x = torch.randn(5, 8)
    before = network(x)
    assert pack_linear_layers(network, from_weights=0) == 3
    assert not [layer for layer in network.modules() if type(layer) is nn.Linear]
    torch.testing.assert_close(network(x), before, rtol=1e-4, atol=1e-5)


def test_small_layers_stay_as_they_are() -> None:
    network = nn.Sequential(nn.Linear(512, 512), nn.Linear(512, 500))
    assert pack_linear_layers(network) == 1
    assert isinstance(network[0], PackedLinear)
    assert type(network[1]) is nn.Linear


def test_only_on_a_cpu() -> None:
    assert packs_linear_layers(CPU)
    assert not packs_linear_layers(torch.device("cuda", 0))


MANY_SHAPES = """
from pathlib import Path
import torch
from worker.engine.device import return_freed_memory
from worker.engine.layers.linear import PackedLinear

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

torch.set_num_threads(1)
with torch.inference_mode():
    packed = PackedLinear(torch.nn.Linear(128, 512))
    packed(torch.zeros(3, 128))
    before = resident_mb()
    for rows in range(4, 804):
        packed(torch.zeros(rows, 128))
    return_freed_memory()
print(resident_mb() - before)
"""


def test_memory_does_not_grow_with_the_number_of_shapes() -> None:
    """With torch's own limit of 1,024 kernels it grows by some hundred megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_SHAPES], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 100


@pytest.mark.parametrize(
    ("vendor", "capability", "weights"),
    [
        ("AuthenticAMD", "AVX512", WORTH_PACKING_BESIDE_AVX2),
        ("AuthenticAMD", "AVX2", WORTH_PACKING),
        ("GenuineIntel", "AVX512", WORTH_PACKING),
        (None, "AVX512", WORTH_PACKING),
    ],
)
def test_small_layers_are_packed_where_mkl_stays_with_avx2(
    vendor: str | None,
    capability: str,
    weights: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    cpuinfo = tmp_path / "cpuinfo"
    if vendor is not None:
        cpuinfo.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
    assert worth_packing(cpuinfo) == weights


@pytest.mark.parametrize(("inputs", "outputs"), [(560, 384), (128, 384), (128, 512), (512, 128)])
@torch.inference_mode()
def test_a_row_of_the_bundled_widths_is_the_same_in_any_company(inputs: int, outputs: int) -> None:
    packed = PackedLinear(nn.Linear(inputs, outputs))
    x = torch.randn(900, inputs)
    together = packed(x)
    for rows in (1, 2, 5, 31, 64, 257, 700):
        assert torch.equal(packed(x[:rows]), together[:rows])
