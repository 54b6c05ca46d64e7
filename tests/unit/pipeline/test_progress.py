"""The progress bar of a job rises with decoding and with recognition, in steps that are written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.states import Stage
from worker.audio.spool import AudioSpool
from worker.pipeline.progress import RECOGNISED, RecordingProgress
from worker.recogniser import SAMPLE_RATE

SECOND = np.zeros(SAMPLE_RATE, np.int16)


class Writes:
    """In place of an attempt's store: keeps what would be written."""

    def __init__(self) -> None:
        self.stages: list[tuple[Stage, dict[str, Any]]] = []

    def write(self, operation: object, stage: Stage, **values: Any) -> None:
        self.stages.append((stage, values))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[AudioSpool]:
    with AudioSpool(tmp_path / "audio.pcm") as made:
        yield made


def test_decoding_is_a_tenth_of_the_bar_and_written_at_each_hundredth(spool: AudioSpool) -> None:
    writes = Writes()
    progress = RecordingProgress(writes, spool)  # type: ignore[arg-type]
    for _ in range(100):
        spool.append(SECOND)
        progress.decoded_block(100.0)
    written = [values["progress"] for _, values in writes.stages]
    assert all(0.0099 < later - one < 0.012 for one, later in pairwise([0.0, *written]))
    assert 0.09 <= written[-1] <= 0.1
    assert {stage for stage, _ in writes.stages} == {Stage.DECODING}


def test_without_a_length_in_the_header_nothing_is_written_before_the_end(
    spool: AudioSpool,
) -> None:
    writes = Writes()
    progress = RecordingProgress(writes, spool)  # type: ignore[arg-type]
    spool.append(SECOND)
    progress.decoded_block(None)
    assert writes.stages == []
    progress.decoded_all(1.0)
    assert writes.stages == [(Stage.DECODING, {"duration_s": 1.0})]
    assert progress.expected_s == 1.0


def test_recognition_begins_once_and_moves_the_rest_of_the_bar(spool: AudioSpool) -> None:
    writes = Writes()
    progress = RecordingProgress(writes, spool)  # type: ignore[arg-type]
    for _ in range(10):
        spool.append(SECOND)
    progress.begin_recognition()
    progress.begin_recognition()
    progress.decoded_block(20.0)  # decoding goes on beside it and is not shown any more
    assert writes.stages == [(Stage.RECOGNISING, {})]
    assert progress.share(0) == pytest.approx(0.05)
    assert progress.share(10 * SAMPLE_RATE) == pytest.approx(0.05 + (RECOGNISED - 0.1) / 2)
    progress.decoded_all(10.0)  # the header claimed twice as much as there was
    assert progress.share(10 * SAMPLE_RATE) == pytest.approx(RECOGNISED)
