"""Number of speakers that a person asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

MOST_SPEAKERS = 30
"""The most that are told apart, also where nobody gives a number."""

_RANGE = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")

_CHOICES = (
    f"must be 'auto', a number of speakers from 1 to {MOST_SPEAKERS}, or a range such as '2-5'"
)


@dataclass(frozen=True, slots=True)
class SpeakerCount:
    """Range of speakers from `least` to `most`; both the same for an exact number, both None where
    the voices alone decide.

    Raises ValueError for other values; its message goes on from a name: 'must be …'.
    """

    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least is None and self.most is None:
            return
        if self.least is None or self.most is None:
            raise ValueError("must give both ends of a range of speakers, or neither")
        if not (1 <= self.least <= MOST_SPEAKERS and 1 <= self.most <= MOST_SPEAKERS):
            raise ValueError(_CHOICES)
        if self.least > self.most:
            raise ValueError(f"must give the smaller number first: '{self.most}-{self.least}'")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read 'auto', a number, which may be given as text, or 'a-b'. Raises ValueError."""
        if value == "auto":
            return cls()
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(value, value)
        found = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(_CHOICES)
        least, most = int(found[1]), int(found[2] or found[1])
        return cls(least, most)

    def __str__(self) -> str:
        """Write it as `parse` reads it."""
        if self.least is None:
            return "auto"
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most speakers that may be found."""
        return self.least or 1, self.most or MOST_SPEAKERS


AUTOMATIC = SpeakerCount()
"""The voices alone decide."""
