"""The choice of tracks and channels, as requests give it and jobs store it."""

from __future__ import annotations

import pytest

from shared.transcripts.sound_selection import SoundChoice, SoundSelection, parse_choice


@pytest.mark.parametrize(
    ("given", "read"),
    [("mix", "mix"), ("each", "each"), (1, 1), (64, 64), ("2", 2), ("07", 7)],
)
def test_a_choice_is_read(given: object, read: SoundChoice) -> None:
    assert parse_choice(given) == read


@pytest.mark.parametrize(
    "given", [0, -1, 65, "0", "-1", "65", "", " 1", "1.0", 1.0, True, None, "Mix", "²", "9" * 5000]
)
def test_what_is_no_choice_is_refused_with_what_is_one(given: object) -> None:
    with pytest.raises(ValueError, match="must be 'mix', 'each' or a number from 1 to 64"):
        parse_choice(given)


def test_only_what_is_not_mixed_is_stored() -> None:
    assert SoundSelection().to_options() == {}
    assert SoundSelection(tracks="each", channels=2).to_options() == {
        "tracks": "each", "channels": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "selection", [SoundSelection(), SoundSelection("each", 1), SoundSelection(3, "each")]
)
def test_what_is_stored_is_read_back_among_other_options(selection: SoundSelection) -> None:
    stored = {"metadata": {"tracks": "none"}, **selection.to_options()}
    assert SoundSelection.from_options(stored) == selection


def test_a_selection_holds_no_text_for_a_number() -> None:
    with pytest.raises(ValueError, match="not written as"):
        SoundSelection(tracks="2")  # type: ignore[arg-type]
