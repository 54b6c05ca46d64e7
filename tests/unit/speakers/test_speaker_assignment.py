"""Speakers told apart in small recordings whose distances are given."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.speakers.requested_speaker_count import AUTOMATIC, SpeakerCount
from shared.speakers.speaker_assignment import cut
from shared.speakers.voice_map import VoiceMap, VoicePiece

RATE = 16_000
WITHIN, BETWEEN = 30, 120
"""Distances between two pieces of one voice and of two voices; the threshold lies at 51."""


def spoken(
    *turns: tuple[str, float], gap_s: float = 0.5, near: dict[str, int] | None = None
) -> VoiceMap:
    """Pieces one after another, (who, seconds) each, and a group for each piece.

    `near` gives other distances between two voices: {"ab": 60}.
    """
    near = near or {}
    pieces, at = [], 0
    for n, (_, seconds) in enumerate(turns):
        pieces.append(VoicePiece(at, at + round(seconds * RATE), n))
        at = pieces[-1].end_sample + round(gap_s * RATE)
    distances = bytes(
        WITHIN if one == other else near.get("".join(sorted(one + other)), BETWEEN)
        for n, (one, _) in enumerate(turns)
        for other, _ in turns[n + 1 :]
    )
    return VoiceMap("r1", 51, tuple(pieces), distances)


def talk(who: str, seconds: float = 3.0) -> list[tuple[str, float]]:
    return [(one, seconds) for one in who]


def numbered(who: str, order: str) -> list[int]:
    return [1 + order.index(one) for one in who]


def test_voices_are_numbered_by_first_appearance() -> None:
    who = "bbacabcacbbaac"
    assert cut(spoken(*talk(who))) == numbered(who, "bac")


def test_two_minutes_of_one_voice_are_one_speaker() -> None:
    assert cut(spoken(*talk("a" * 60, 2.0))) == [1] * 60


@pytest.mark.parametrize(
    ("who", "gap_s", "alike", "found"),
    [
        ("aaaaaaaaaabbbbbbbbbb" * 4, 0.0, 46, "ab"),
        ("aaaaaaaaaabbbbbbbbbb" * 4, 0.0, 38, "a"),  # too much alike for two, whatever their turns
        ("aaaaaaaaaabbbbbbbbbb" * 4, 0.5, 46, "a"),  # nobody knows what stands beside what
        ("ababaabbab" * 8, 0.0, 46, "a"),
    ],
)
def test_of_two_who_are_alike_it_is_their_turns_that_tell(
    who: str, gap_s: float, alike: int, found: str
) -> None:
    told = cut(spoken(*talk(who, 2.0), gap_s=gap_s, near={"ab": alike}))
    assert told == (numbered(who, "ab") if found == "ab" else [1] * len(who))


def test_nothing_and_a_single_piece() -> None:
    assert cut(VoiceMap("r1", 51, (), b"")) == []
    assert cut(spoken(("a", 5.0))) == [1]
    assert cut(spoken(("a", 5.0)), SpeakerCount(4, 4)) == [1]


def test_nobody_is_known_where_every_piece_is_too_short() -> None:
    assert cut(spoken(*talk("abab", 0.35))) == [None] * 4
    assert cut(spoken(*talk("abab", 0.35)), SpeakerCount(2, 2)) == [None] * 4


def test_a_piece_that_is_too_short_takes_the_speaker_of_the_nearest() -> None:
    pieces, at = [], 0
    for gap_s, seconds in [
        *((0.0, 0.3), (0.5, 3.0), (0.2, 0.3), (0.4, 3.0), (0.4, 0.3), (0.2, 3.0), (0.3, 0.3)),
        *((0.3, 3.0), (9.0, 0.3)),
    ]:
        at += round(gap_s * RATE)
        pieces.append((at, at + round(seconds * RATE)))
        at = pieces[-1][1]
    who = "xaxbxaxbx"
    base = spoken(*talk(who))
    placed = tuple(VoicePiece(start, end, n) for n, (start, end) in enumerate(pieces))
    found = cut(VoiceMap("r1", 51, placed, base.distances))
    assert found == [1, 1, 1, 2, 1, 1, 1, 2, 2]


def test_a_cough_is_no_speaker_and_goes_to_whom_it_is_nearest() -> None:
    coughing = spoken(*talk("aaaabbbb"), ("x", 1.5), *talk("aabb"), near={"bx": 80})
    assert cut(coughing) == numbered("aaaabbbbbaabb", "ab")
    # Nor where two speakers are asked for: the voices come first.
    assert cut(coughing, SpeakerCount(2, 2)) == numbered("aaaabbbbbaabb", "ab")


def test_a_speaker_needs_six_seconds_or_a_quarter_of_a_short_recording() -> None:
    long_enough, too_little = talk("aaaaaaaa") + talk("bb"), talk("aaaaaaaa") + talk("b")
    assert len(set(cut(spoken(*long_enough)))) == 2
    assert len(set(cut(spoken(*too_little)))) == 1
    assert len(set(cut(spoken(*talk("aaab"))))) == 2


def test_in_a_long_recording_a_speaker_needs_a_hundredth_of_it() -> None:
    base = talk("a" * 60, 8.0) + talk("b" * 60, 8.0)
    assert len(set(cut(spoken(*base, *talk("cc", 4.0))))) == 2
    assert len(set(cut(spoken(*base, *talk("ccc", 4.0))))) == 3


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AUTOMATIC, 3),
        (SpeakerCount(1, 1), 1),
        (SpeakerCount(2, 2), 2),
        (SpeakerCount(3, 3), 3),
        (SpeakerCount(4, 4), 4),
        (SpeakerCount(1, 2), 2),
        (SpeakerCount(2, 5), 3),
        (SpeakerCount(4, 6), 4),
    ],
    ids=str,
)
def test_as_many_speakers_as_are_wanted(wanted: SpeakerCount, found: int) -> None:
    # a and d are too alike for the voices alone, but apart from b and c.
    who = "aabbccddabcdabcdabcd"
    four = spoken(*talk(who), near={"ad": 45, "bc": 90})
    numbers = cut(four, wanted)
    assert len(set(numbers)) == found
    if found == 4:
        assert numbers == numbered(who, "abcd")
    elif found == 3:
        assert numbers == numbered(who.replace("d", "a"), "abc")
    elif found == 2:
        assert numbers == numbered(who.replace("d", "a").replace("c", "b"), "ab")


def test_more_speakers_than_pieces_are_as_many_as_pieces() -> None:
    assert sorted(cut(spoken(*talk("abc")), SpeakerCount(9, 9))) == [1, 2, 3]


def test_a_speaker_who_was_asked_for_may_speak_little() -> None:
    who = "aaaabbbbcaabb"
    assert len(set(cut(spoken(*talk(who))))) == 2
    assert cut(spoken(*talk(who)), SpeakerCount(3, 3)) == numbered(who, "abc")


def groups_of(voice_map: VoiceMap, groups: Sequence[int]) -> VoiceMap:
    """The same pieces, those with the same number in one group: the first one's."""
    matrix, count = voice_map.matrix(), max(groups) + 1
    first = [groups.index(group) for group in range(count)]
    pieces = tuple(
        VoicePiece(piece.start_sample, piece.end_sample, group)
        for piece, group in zip(voice_map.pieces, groups, strict=True)
    )
    distances = bytes(
        matrix[first[one]][first[other]] for one in range(count) for other in range(one + 1, count)
    )
    return VoiceMap(voice_map.encoder, voice_map.threshold, pieces, distances)


def test_pieces_may_share_a_group() -> None:
    who = "abababcbabac"
    grouped = groups_of(spoken(*talk(who)), ["abc".index(one) for one in who])
    assert grouped.groups == 3
    assert cut(grouped) == numbered(who, "abc")
