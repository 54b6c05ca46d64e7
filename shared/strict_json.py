"""JSON that can be given back: no depth, number or text in it that a database, a client or Python
itself refuses to write or to read later.

What comes from outside is read with `read_json`, which refuses it at the door.
`require_writable` checks a value that was read before, by an earlier version for instance.
`read_stored` reads what the database holds, whatever that is.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

MAX_DEPTH = 64
"""Objects and lists within one another. Readers of JSON give up from a hundred on."""

LEAST, MOST = -(2**63), 2**63 - 1
"""The range of a whole number: what databases and most languages hold without loss."""

_MOST_DIGITS = len(str(LEAST))


class UnwritableJson(ValueError):
    """JSON that cannot be given back. The message goes on from a name: 'must be …'."""


def read_json(text: str | bytes) -> Any:
    """Parse `text`, which is in UTF-8 if it is bytes.

    Raises UnwritableJson for what would not come back as it is, and ValueError for what is no JSON.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_each_name_once,
        )
    except UnicodeDecodeError as error:
        raise UnwritableJson("must be in UTF-8") from error
    except RecursionError as error:
        raise _too_deep() from error
    _walk(value, texts=False)
    return value


def require_writable(value: object) -> None:
    """Check the depth, the numbers and every text of a value. Raises UnwritableJson."""
    _walk(value, texts=True)


class UnreadableJson(dict[str, Any]):
    """Placeholder of a stored value that is no JSON: an empty object, known by its class."""


def read_stored(text: str | bytes) -> Any:
    """Parse a value of a database's column; UnreadableJson where that fails, so that one value
    never fails the statement that read it among others."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return UnreadableJson()


def stored_object(value: object) -> dict[str, Any]:
    """A stored JSON object, and an empty one in place of anything else: of a row that cannot be
    read, who reads it among others goes on without."""
    return dict(value) if isinstance(value, dict) else {}


def _walk(value: object, *, texts: bool) -> None:
    """Look at each value without recursion, so that no depth ends it. Names are always checked,
    texts on demand."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        found, depth = waiting.pop()
        if isinstance(found, dict | list):
            if depth >= MAX_DEPTH:
                raise _too_deep()
            if isinstance(found, dict):
                for name in found:
                    _require_text(name)
                found = list(found.values())
            waiting.extend((item, depth + 1) for item in found)
        elif isinstance(found, str):
            if texts:
                _require_text(found)
        elif isinstance(found, float):
            if not math.isfinite(found):
                raise _no_number(str(found))
        elif isinstance(found, int):
            if not LEAST <= found <= MOST:
                raise _beyond_64_bits()
        elif found is not None:
            raise UnwritableJson("must be JSON")


def _require_text(text: object) -> None:
    if not isinstance(text, str):
        raise UnwritableJson("must be JSON, whose names are text")
    if "\x00" in text:
        raise UnwritableJson("must hold no NUL character (\\u0000)")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnwritableJson(
                "must hold no half of a character (a lone surrogate, \\ud800 to \\udfff)"
            ) from None


def _refuse_constant(name: str) -> object:
    # json.loads accepts these, and JSON does not have them.
    raise _no_number(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise UnwritableJson("must hold no number that is larger than 1.8e308")
    return number


def _whole(text: str) -> int:
    # By its length first: Python refuses to read thousands of digits.
    if len(text) > _MOST_DIGITS or not LEAST <= (number := int(text)) <= MOST:
        raise _beyond_64_bits()
    return number


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise UnwritableJson(f"must hold each name once, and {twice[:40]!a} is there twice")
    return found


def _no_number(name: str) -> UnwritableJson:
    return UnwritableJson(f"must be JSON, which has no {name}")


def _beyond_64_bits() -> UnwritableJson:
    return UnwritableJson(
        "must hold no whole number that needs more than 64 bits; write it as text instead"
    )


def _too_deep() -> UnwritableJson:
    return UnwritableJson(f"must be a JSON object nested at most {MAX_DEPTH} deep")
