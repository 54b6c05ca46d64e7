"""What is to be expected of one H100, from costs that were measured elsewhere or reckoned."""

from __future__ import annotations

import pytest

from tests.bench.gpu.prices import H100, H100_BF16, Gpu
from tests.bench.gpu.simulated_worker import HOUR_S, HostCosts, play_many, play_one

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

CORES = 16
WORKERS = (1, 2, 4, 8, 16)


@pytest.mark.parametrize("gpu", [H100, H100_BF16], ids=lambda gpu: gpu.name)
def test_one_file_and_many(gpu: Gpu) -> None:
    one = play_one(gpu)
    padded_s = sum(batch.padded_s for batch in one.batches)
    speech_s = sum(sum(batch.samples) for batch in one.batches) / 16_000
    print(
        f"\n{gpu.name}: an hour of AAC in {one.wall_s:.2f} s, {HOUR_S / one.wall_s:.0f} times real "
        f"time; first text after {one.first_text_s:.2f} s; {len(one.batches)} passes padded to "
        f"{padded_s / speech_s:.2f}; GPU {one.device_s:.2f} s, the worker's core "
        f"{one.worker_core_s:.2f}, the child's {one.child_core_s:.2f}"
    )
    for halved in ("decoding", "mixing"):
        other = HostCosts(**{halved: getattr(HostCosts(), halved) / 2})
        wall_s = play_one(gpu, other).wall_s
        print(f"  with half of the {halved}: {HOUR_S / wall_s:.0f} times real time")
    for workers in WORKERS:
        together = play_many(gpu, workers, CORES)
        print(
            f"  {workers} workers on {CORES} cores: {together.x_real_time:,.0f} times real time, "
            f"limited by {together.limited_by}"
        )
    assert one.wall_s >= max(one.device_s, one.worker_core_s, one.child_core_s)
    assert one.first_text_s < one.wall_s
    assert play_many(gpu, 16, CORES).x_real_time >= play_many(gpu, 1, CORES).x_real_time
