"""Selection of the lines of the children's logs that are shown at the terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_OURS = ("worker", "shared")
"""Loggers whose INFO lines tell the story of a job. The web server's are one for each request."""

_SHOWN_APART = {"event", "level", "logger", "timestamp", "exception", "fence"}


class LogFollower:
    """Reads a log of JSON lines as it grows, from its present end on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size if log.exists() else 0

    def new_events(self) -> Iterator[dict[str, Any]]:
        """Whole lines since the last call; what is not JSON stays in the file only."""
        if not self._log.exists():
            return
        if self._log.stat().st_size < self._offset:  # set aside, begun anew
            self._offset = 0
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and "event" in event:
                    yield event


def is_worth_showing(event: dict[str, Any], least_level: str) -> bool:
    levels = logging.getLevelNamesMapping()
    level = levels.get(str(event.get("level", "")).upper(), logging.INFO)
    ours = str(event.get("logger", "")).split(".")[0] in _OURS
    return level >= max(levels[least_level], logging.INFO if ours else logging.WARNING)


def as_text(event: dict[str, Any]) -> str:
    details = " ".join(f"{key}={value}" for key, value in event.items() if key not in _SHOWN_APART)
    level = str(event.get("level", "info"))
    mark = "" if level in ("info", "debug") else f"{level.upper()}: "
    return f"{mark}{event['event']}  {details}".rstrip()


def as_readable(line: str) -> str:
    """A line of a log; an event with its traceback in lines of its own."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict) or "event" not in event:
        return line
    return "\n".join([as_text(event), *str(event.get("exception", "")).splitlines()])
