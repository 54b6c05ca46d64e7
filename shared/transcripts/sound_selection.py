"""Selection of the tracks and channels of a recording that a job asks to have heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

SoundChoice = Literal["mix", "each"] | int
"""'mix': all together; 'each': each by itself, as a person of its own; a number from 1: that one
only."""

MOST_NUMBER = 64
"""The highest number of a track or a channel that can be asked for."""


@dataclass(frozen=True, slots=True)
class SoundSelection:
    """Selection of the sound of a recording that is heard. Channels are counted within each track.

    Raises ValueError where a choice is none.
    """

    tracks: SoundChoice = "mix"
    channels: SoundChoice = "mix"

    def __post_init__(self) -> None:
        for choice in (self.tracks, self.channels):
            if parse_choice(choice) != choice:
                raise ValueError(f"{choice!r} is not written as a choice is stored")

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Read the options of a job; what they do not name is mixed. Raises ValueError."""
        return cls(
            parse_choice(options.get("tracks", "mix")), parse_choice(options.get("channels", "mix"))
        )

    @property
    def hears_each(self) -> bool:
        """Return whether several tracks or channels are heard, each as a separate person."""
        return "each" in (self.tracks, self.channels)

    def to_options(self) -> dict[str, SoundChoice]:
        """Options to store with a job: only those that are not mixed, so that a request which names
        the default is the same as one that does not."""
        chosen = {"tracks": self.tracks, "channels": self.channels}
        return {name: choice for name, choice in chosen.items() if choice != "mix"}


def parse_choice(value: object) -> SoundChoice:
    """Read 'mix', 'each', or a number from 1 that may be given as text. Raises ValueError."""
    if value == "mix":
        return "mix"
    if value == "each":
        return "each"
    number = 0
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        number = int(value)
    if not 1 <= number <= MOST_NUMBER:
        raise ValueError(f"must be 'mix', 'each' or a number from 1 to {MOST_NUMBER}")
    return number


MIXED = SoundSelection()
"""Selection of all tracks and channels together."""
