"""What edits of speakers make of who spoke."""

from __future__ import annotations

from typing import Any

import pytest

from shared.speakers.edits import Edit, EditKind, SpeakerState, replay, undone

START = SpeakerState((1, 2, 1, 3, None))
SECONDS = (1.0, 2.0, 3.0, 4.0, 5.0)


def after(*edits: tuple[EditKind, dict[str, Any]], start: SpeakerState = START) -> SpeakerState:
    numbered = [Edit(n, kind, detail) for n, (kind, detail) in enumerate(edits, 1)]
    return replay(start, numbered, SECONDS)


def rename(speaker: int, name: str) -> tuple[EditKind, dict[str, Any]]:
    return EditKind.RENAME, {"speaker": speaker, "name": name}


def merge(speaker: int, into: int) -> tuple[EditKind, dict[str, Any]]:
    return EditKind.MERGE, {"speaker": speaker, "into": into}


def assign(*sentences: int, to: int | None) -> tuple[EditKind, dict[str, Any]]:
    return EditKind.ASSIGN, {"sentences": list(sentences), "speaker": to}


def count(*speakers: int | None) -> tuple[EditKind, dict[str, Any]]:
    return EditKind.COUNT, {"wanted": "auto", "speakers": list(speakers)}


def undo(edit: int) -> tuple[EditKind, dict[str, Any]]:
    return EditKind.UNDO, {"edit": edit}


def test_a_name_stays_with_its_number_until_it_is_given_back() -> None:
    assert after(rename(2, "王敏")).names == {2: "王敏"}
    assert after(rename(2, "王敏"), rename(2, "李雷")).names == {2: "李雷"}
    assert after(rename(2, "王敏"), rename(2, "")).names == {}


def test_who_is_merged_is_called_as_the_other_is() -> None:
    merged = after(rename(1, "王敏"), rename(3, "老张"), merge(3, 1))
    assert merged.speakers == (1, 2, 1, 1, None)
    assert merged.names == {1: "王敏"}


def test_sentences_are_given_to_another_a_new_one_or_nobody() -> None:
    assert after(assign(0, 4, to=2)).speakers == (2, 2, 1, 3, 2)
    assert after(assign(0, to=4), assign(2, to=None)).speakers == (4, 2, None, 3, None)


class TestAnotherNumberOfSpeakers:
    def test_names_go_with_most_of_what_they_say(self) -> None:
        # The first speaker's four seconds are now split in three and one, the third's are not.
        counted = after(rename(1, "王敏"), rename(3, "老张"), count(1, 2, 3, 4, None))
        assert counted.speakers == (1, 2, 3, 4, None)
        assert counted.names == {3: "王敏", 4: "老张"}

    def test_what_a_person_assigned_stays(self) -> None:
        counted = after(assign(0, to=2), count(1, 2, 1, 2, 1))
        assert counted.speakers == (2, 2, 1, 2, 1)

    def test_somebody_who_was_made_by_hand_is_not_lost(self) -> None:
        counted = after(assign(0, to=9), rename(9, "客人"), count(None, 1, 1, 1, None))
        assert counted.speakers == (2, 1, 1, 1, None)
        assert counted.names == {2: "客人"}

    def test_nobody_takes_the_place_of_two(self) -> None:
        counted = after(rename(1, "一"), rename(2, "二"), rename(3, "三"), count(1, 1, 1, 1, 1))
        assert counted.names == {1: "一"}


class TestUndo:
    def test_an_edit_is_as_if_it_had_not_been_made(self) -> None:
        assert after(merge(3, 1), rename(2, "王敏"), undo(1)) == after(rename(2, "王敏"))

    def test_an_undo_is_undone_too(self) -> None:
        assert after(merge(3, 1), undo(1), undo(2)) == after(merge(3, 1))
        edits = [
            Edit(1, EditKind.MERGE, {}),
            Edit(2, EditKind.UNDO, {"edit": 1}),
            Edit(3, EditKind.UNDO, {"edit": 2}),
        ]
        assert undone(edits[:2]) == {1}
        assert undone(edits) == {2}

    @pytest.mark.parametrize("edit", [1, 2, 3])
    def test_one_in_the_middle_leaves_the_others(self, edit: int) -> None:
        edits = [rename(1, "王敏"), assign(1, to=1), merge(3, 2)]
        rest = [one for n, one in enumerate(edits, 1) if n != edit]
        assert after(*edits, undo(edit)) == after(*rest)
