"""Bounds on the values of all settings."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings.environment import FROM_FILES
from shared.settings.sources import SourcedSettings

_YEARS = 100
_LARGEST = {
    "_s": (_YEARS * 365 * 86_400, f"{_YEARS} years"),
    "_hours": (_YEARS * 365 * 24, f"{_YEARS} years"),
    "_days": (_YEARS * 365, f"{_YEARS} years"),
    "_bytes": (2**60, "an exbibyte"),
}
"""Largest values by the unit in a setting's name. Longer times are beyond the dates that a database
or Python can name, counted from today; more bytes than these, added up, are beyond its whole
numbers."""

_LARGEST_COUNT = 2**31 - 1

_OF_ANY_CHARACTERS = frozenset(FROM_FILES) - {"database_url", "redis_url"}
"""Secrets. Where an address holds one, its odd characters are written otherwise."""

_QUOTES = "\"'\u201c\u201d\u2018\u2019"
"""Those of a shell, and those that a word processor makes of them."""


class BoundedSettings(SourcedSettings):
    """The part of `shared.settings.Settings` that keeps values within what can be reckoned with."""

    # No infinity either: what adds it to a date, or makes a whole number of it, fails later.
    model_config = SettingsConfigDict(allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _white_space_around_means_nothing(cls, values: Any) -> Any:
        """Take it away: a .env file written on Windows ends each line, and value, with CR."""
        if not isinstance(values, dict):
            return values
        stripped = {
            name: value.strip() if isinstance(value, str) else value
            for name, value in values.items()
        }
        # What was white space alone is a line without a value, which means the default.
        return {name: value for name, value in stripped.items() if value != "" or not values[name]}

    @field_validator("*", mode="before")
    @classmethod
    def _is_the_value_alone(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse the quotes and the comment that a shell takes away from a line, and `docker run
        --env-file` leaves there."""
        name = info.field_name or ""
        if not isinstance(value, str) or name in _OF_ANY_CHARACTERS:
            return value
        if len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES:
            raise ValueError("stands in quotes, which are a part of it here; take them away")
        if re.search(r"\s#(\s|$)", value):
            raise ValueError(
                "has a # behind it, and what follows is a part of it here; give the comment a line "
                "of its own"
            )
        return value

    @field_validator("*")
    @classmethod
    def _is_within_reckoning(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        unit = f"_{(info.field_name or '').rpartition('_')[2]}"
        most, told = _LARGEST.get(unit, (_LARGEST_COUNT, ""))
        if value > most:
            raise ValueError(f"must be at most {most}{told and f', {told}'}")
        return value
