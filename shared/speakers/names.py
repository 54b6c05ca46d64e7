"""Names of speakers, and the option by which a job asks for speakers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.errors import InvalidRequest
from shared.speakers.requested_speaker_count import SpeakerCount
from shared.transcripts.values import CHINESE

LONGEST_NAME = 80
"""Characters of what a person calls somebody."""

_DEFAULT_NAME = re.compile(r"说话人\d+|Speaker \d+|Track \d+(?: Channel \d+)?|Channel \d+")

OPTION = "speakers"
"""The key in a job's options. Without it nobody asked who speaks."""


def speakers_from_options(options: Mapping[str, Any]) -> SpeakerCount | None:
    """Number of speakers that a job asks for; None if it does not ask. Raises ValueError."""
    wanted = options.get(OPTION)
    return None if wanted is None else SpeakerCount.parse(wanted)


def default_name(number: int, language: str) -> str:
    """Name of a speaker until a person gives one, in the language that is spoken.

    >>> default_name(2, "zh"), default_name(2, "yue"), default_name(2, "en")
    ('说话人2', '说话人2', 'Speaker 2')
    """
    return f"说话人{number}" if language in CHINESE else f"Speaker {number}"


def is_default_name(name: str) -> bool:
    """Return whether this is the default name of a speaker, a track or a channel.

    >>> is_default_name("说话人12"), is_default_name("Speaker 2"), is_default_name("王芳")
    (True, True, False)
    >>> is_default_name("Track 2 Channel 1"), is_default_name("Channel 2")
    (True, True)
    """
    return _DEFAULT_NAME.fullmatch(name) is not None


def checked_name(given: str) -> str:
    """A name as it is stored, with one space where there were several; it may be empty.

    Raises InvalidRequest for one that is too long or has characters that nobody sees.
    """
    name = " ".join(given.split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(
            f"name: at most {LONGEST_NAME} characters, all of them visible.", param="name"
        )
    return name
