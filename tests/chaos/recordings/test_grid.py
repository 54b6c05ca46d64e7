"""Each kind of recording, in each condition that it can hold, against the sound it was made of.

No second of it may be shifted, lost without a warning, or invented; and docs/recordings.md has to
say of each what the account of it says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recordings import table
from tests.support.recordings.judging import judge
from tests.support.recordings.kinds import KINDS, Condition
from tests.support.recordings.makers import Workshop, has_ffmpeg, sample_meeting
from tests.support.recordings.places import Original

CASES = [(name, condition) for name, kind in KINDS.items() for condition in kind.conditions]


@pytest.fixture(scope="module")
def original() -> Original:
    return Original(sample_meeting())


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    if not has_ffmpeg():
        if os.environ.get("CI") == "true":
            pytest.fail("the ffmpeg program is missing")
        pytest.skip("the ffmpeg program is not installed")
    return Workshop(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="module")
def documented() -> dict[tuple[str, Condition], str]:
    return table.read(Path(table.DOCUMENT).read_text())


def test_the_grid_is_wide_enough() -> None:
    containers = {(kind.suffix, kind.muxer[1]) for kind in KINDS.values()}

    assert len(CASES) >= 200
    assert len(containers) >= 14


@pytest.mark.parametrize(("name", "condition"), CASES)
def test_every_second_is_where_it_is_heard(
    name: str,
    condition: Condition,
    workshop: Workshop,
    original: Original,
    documented: dict[tuple[str, Condition], str],
) -> None:
    kind = KINDS[name]
    path = workshop.make(kind, condition)

    outcome = judge(kind, condition, path, original)

    assert outcome.problems == []
    assert documented[name, condition] == outcome.cell
