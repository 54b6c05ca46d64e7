"""Text files of a model folder, as editors and other toolkits write them."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(path: Path, errors: str = "strict") -> str:
    """The text of a file in UTF-8, or in UTF-16 if it begins with the mark of that, as editors on
    Windows may save it; its lines end with '\\n' however they do in the file.

    Raises OSError and UnicodeDecodeError.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8-sig"
    return content.decode(encoding, errors).replace("\r\n", "\n").replace("\r", "\n")


def lines_of(text: str) -> list[str]:
    """Lines of a text, each without the spaces behind it; empty ones at its end are none.

    Not splitlines: a token may be one of the characters that it takes for the end of a line, and
    all behind it would be told by another's number.
    """
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def without_numbers(lines: Sequence[str]) -> list[str]:
    """The tokens of a list in which each line ends with its own number from 0, as WeNet and
    sherpa-onnx write it; of any other list the lines as they are."""
    numbered = [line.rpartition(" ") for line in lines]
    if [number for _, _, number in numbered] != [str(count) for count in range(len(lines))]:
        return list(lines)
    return [token.rstrip() for token, _, _ in numbered]


def numbers_behind(text: str, component: str) -> list[str]:
    """The numbers in the first brackets behind a component of a network that Kaldi wrote as text.

    >>> numbers_behind("<Splice> 2 2\\n[ 0 ]\\n<Rescale> 2 2\\n<LearnRate> 0 [ 1 2]", "<Rescale>")
    ['1', '2']
    """
    return text.partition(component)[2].partition("[")[2].partition("]")[0].split()
