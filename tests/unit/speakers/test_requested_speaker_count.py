"""The number of speakers, as people write it."""

from __future__ import annotations

import pytest

from shared.speakers.requested_speaker_count import AUTOMATIC, SpeakerCount


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("auto", AUTOMATIC),
        (1, SpeakerCount(1, 1)),
        (30, SpeakerCount(30, 30)),
        ("4", SpeakerCount(4, 4)),
        ("2-5", SpeakerCount(2, 5)),
        ("1-30", SpeakerCount(1, 30)),
        ("3-3", SpeakerCount(3, 3)),
    ],
)
def test_a_number_or_a_range_is_read(given: object, read: SpeakerCount) -> None:
    assert SpeakerCount.parse(given) == read
    assert SpeakerCount.parse(str(read)) == read


@pytest.mark.parametrize(
    "given",
    [
        *(0, -1, 31, 2.0, True, None, [2], "", "0", "31", "2-", "-2", "2-31", "0-2", " 2", "2 - 5"),
        *("Auto", "two", "²", "1-2-3", "9" * 5000),
    ],
)
def test_anything_else_is_refused_with_what_may_be_given(given: object) -> None:
    with pytest.raises(
        ValueError, match=r"must be 'auto', a number of speakers from 1 to 30, or a range"
    ):
        SpeakerCount.parse(given)


def test_a_range_the_wrong_way_round_is_refused_with_the_right_one() -> None:
    with pytest.raises(ValueError, match="'2-5'"):
        SpeakerCount.parse("5-2")


def test_half_a_range_is_refused() -> None:
    with pytest.raises(ValueError, match="both ends"):
        SpeakerCount(least=2)


@pytest.mark.parametrize(
    ("wanted", "bounds"),
    [(AUTOMATIC, (1, 30)), (SpeakerCount(3, 3), (3, 3)), (SpeakerCount(2, 5), (2, 5))],
)
def test_bounds(wanted: SpeakerCount, bounds: tuple[int, int]) -> None:
    assert wanted.bounds == bounds
