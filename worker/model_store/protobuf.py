"""Check that a file of Protocol Buffers, as a SentencePiece model is one, has its end."""

from __future__ import annotations

_FIXED = {1: 8, 5: 4}
"""Bytes of a value by its wire type."""
_VARINT, _COUNTED = 0, 2
_LONGEST_VARINT = 10


def is_whole_message(content: bytes) -> bool:
    """Return whether the fields of the message fill it to its last byte. What is in them is not
    looked at.

    >>> is_whole_message(bytes([8, 1, 18, 2, 65, 66])), is_whole_message(bytes([8, 1, 18, 2, 65]))
    (True, False)
    """
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(content, at)
        elif kind == _COUNTED:
            length, at = _varint(content, at)
            at += length
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            return False
    return at == len(content) > 0


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and the offset behind it: beyond the end where it has none."""
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(content):
            break
        byte = content[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    return value, len(content) + 1
