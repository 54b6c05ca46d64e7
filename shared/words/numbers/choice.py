"""Choice of writing numbers as spoken or in digits, for a job and for an export."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

OPTION = "numbers"
"""The key in a job's options. Without it numbers stay as they are spoken."""


class Numbers(StrEnum):
    """Way of writing numbers."""

    SPOKEN = "spoken"
    """Numbers as they are recognised: 八十五万元."""
    WRITTEN = "written"
    """Numbers in digits: 85万元."""


def numbers_from_options(options: Mapping[str, Any]) -> Numbers:
    """Way of writing numbers by a job's options. Raises ValueError."""
    return Numbers(options.get(OPTION, Numbers.SPOKEN))
