"""Damage to recordings, at random but the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable

_HEAD = 4096
"""Bytes in which most containers say what follows; half of the damage goes there."""


def mutate(recording: bytes, seed: int) -> bytes:
    """Damage a recording in one to three ways: bytes changed, a part cut, doubled, zeroed, swapped,
    added."""
    chance = random.Random(seed)
    damaged = bytearray(recording)
    for _ in range(chance.randint(1, 3)):
        if not damaged:
            break
        chance.choice(_DAMAGES)(damaged, chance)
    return bytes(damaged)


def _place(damaged: bytearray, chance: random.Random) -> int:
    return chance.randrange(min(len(damaged), _HEAD) if chance.random() < 0.5 else len(damaged))


def _block(damaged: bytearray, chance: random.Random) -> slice:
    """Draw a block of one byte up to a tenth of the file."""
    start = _place(damaged, chance)
    longest = max(1, len(damaged) // 10)
    return slice(start, start + min(longest, int(longest ** chance.random())))


def _change_bytes(damaged: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3, 10, 100, 1000))):
        damaged[_place(damaged, chance)] = chance.randrange(256)


def _flip_bit(damaged: bytearray, chance: random.Random) -> None:
    damaged[_place(damaged, chance)] ^= 1 << chance.randrange(8)


def _fill_number(damaged: bytearray, chance: random.Random) -> None:
    """Sizes and counts that are none."""
    start = _place(damaged, chance)
    damaged[start : start + 4] = chance.choice((b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff"))


def _cut_end(damaged: bytearray, chance: random.Random) -> None:
    del damaged[chance.randrange(len(damaged)) :]


def _cut_block(damaged: bytearray, chance: random.Random) -> None:
    del damaged[_block(damaged, chance)]


def _double_block(damaged: bytearray, chance: random.Random) -> None:
    block = _block(damaged, chance)
    damaged[block.start : block.start] = damaged[block]


def _zero_block(damaged: bytearray, chance: random.Random) -> None:
    block = _block(damaged, chance)
    damaged[block] = bytes(len(damaged[block]))


def _swap_blocks(damaged: bytearray, chance: random.Random) -> None:
    one, other = _block(damaged, chance), _place(damaged, chance)
    size = len(damaged[one])
    there = slice(other, other + size)
    damaged[one], damaged[there] = damaged[there], damaged[one]


def _add_noise(damaged: bytearray, chance: random.Random) -> None:
    start = _place(damaged, chance)
    damaged[start:start] = chance.randbytes(chance.choice((1, 7, 100, 5000)))


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _change_bytes,
    _flip_bit,
    _fill_number,
    _cut_end,
    _cut_block,
    _double_block,
    _zero_block,
    _swap_blocks,
    _add_noise,
)
