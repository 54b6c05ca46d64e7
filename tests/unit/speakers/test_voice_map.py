"""A voice map, stored and read back."""

from __future__ import annotations

import base64
import json
import random
import zlib
from typing import Any

import pytest

from shared.speakers.voice_map import VoiceMap, VoicePiece

THREE = VoiceMap(
    "r1",
    51,
    (VoicePiece(0, 16_000, 0), VoicePiece(18_000, 30_000, 2), VoicePiece(33_000, 40_000, 1)),
    bytes([10, 20, 30]),
)
EMPTY = VoiceMap("r1", 51, (), b"")


def ten_hours() -> VoiceMap:
    """As many pieces as ten hours can have, of chance lengths and chance distances, which pack
    worse than real ones."""
    chance = random.Random(1)
    pieces, at = [], 0
    for n in range(38_000):
        at += chance.randrange(2_400, 8_000)
        length = chance.randrange(3_200, 20_000)
        pieces.append(VoicePiece(at, at + length, n if n < 400 else chance.randrange(400)))
        at += length
    return VoiceMap("r1", 51, tuple(pieces), chance.randbytes(400 * 399 // 2))


@pytest.mark.parametrize(
    "voice_map",
    [THREE, EMPTY, VoiceMap("模型", 0, (VoicePiece(2**31, 2**31 + 2**20, 0),), b"")],
    ids=["three", "empty", "late"],
)
def test_it_is_read_back_as_it_was(voice_map: VoiceMap) -> None:
    assert VoiceMap.from_json(json.loads(json.dumps(voice_map.to_json()))) == voice_map


def test_ten_hours_are_read_back_and_take_less_than_half_a_megabyte() -> None:
    voice_map = ten_hours()
    text = json.dumps(voice_map.to_json())
    assert len(text) < 450_000
    assert VoiceMap.from_json(json.loads(text)) == voice_map


def test_the_matrix_has_each_pair_twice() -> None:
    assert THREE.groups == 3
    assert THREE.matrix() == [[0, 10, 20], [10, 0, 30], [20, 30, 0]]
    assert EMPTY.matrix() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"distances": bytes([1, 2])}, "2 distances do not belong to 3 groups"),
        ({"pieces": (VoicePiece(0, 1, 400),)}, "at most 400 groups"),
        ({"pieces": (VoicePiece(5, 5, 0),), "distances": b""}, "no samples"),
        ({"pieces": (VoicePiece(-1, 5, 0),), "distances": b""}, "no samples"),
        ({"pieces": (VoicePiece(0, 5, -1),), "distances": b""}, "no group"),
        ({"pieces": THREE.pieces[::-1]}, "order of time"),
        ({"threshold": 256}, "256 is no distance"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changed: dict[str, Any], words: str) -> None:
    parts = {
        "encoder": "r1",
        "threshold": 51,
        "pieces": THREE.pieces,
        "distances": THREE.distances,
    }
    with pytest.raises(ValueError, match=words):
        VoiceMap(**{**parts, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"pieces": None},
        {"pieces": "?"},
        {"pieces": "AAAA"},
        {"piece_count": 2},
        {"piece_count": 4},
        {"piece_count": -1},
        {"distances": EMPTY.to_json()["distances"]},
        {"threshold": None},
    ],
)
def test_what_is_no_voice_map_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no voice map"):
        VoiceMap.from_json({**THREE.to_json(), **changed})


def test_a_missing_part_is_refused() -> None:
    with pytest.raises(ValueError, match="encoder"):
        VoiceMap.from_json({n: v for n, v in THREE.to_json().items() if n != "encoder"})


def test_what_unpacks_to_more_than_it_says_is_not_unpacked_whole() -> None:
    with pytest.raises(ValueError, match="longer"):
        VoiceMap.from_json({**THREE.to_json(), "distances": _zeros(10_000_000)})


def _zeros(size: int) -> str:
    return base64.b64encode(zlib.compress(bytes(size))).decode()
