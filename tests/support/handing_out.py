"""Order in which tests are handed out to the processes that run them, and the units that go
together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_BROWSER = "tests/e2e/"
_PROCESSES = "tests/integration/"

_DONE_AT = 0.8
"""Share of the time by which the last file that takes half a minute begins, so that no process
waits long at the end for another that has just got one."""


def unit_of(nodeid: str) -> str:
    """Unit that one process runs from beginning to end: a file, since its tests share fixtures, and
    for the browser's tests a folder, which shares a server."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return folder if folder.startswith(_BROWSER) else file


def places(nodeids: Iterable[str]) -> Mapping[str, float]:
    """Place of each unit in the run, between 0 and 1, for tests in the order of their folders.

    Tests of the browser wait for pages, those of whole installations for processes to start, and
    the rest computes.  Each kind is spread over the run, so that there is always something to
    compute while others wait.
    """
    units = [unit for unit, _ in groupby(nodeids, key=unit_of)]
    kinds: dict[str, list[str]] = {}
    for unit in units:
        waits = next((folder for folder in (_BROWSER, _PROCESSES) if unit.startswith(folder)), "")
        kinds.setdefault(waits, []).append(unit)
    return {
        unit: index / len(members) * (_DONE_AT if waits else 1.0)
        for waits, members in kinds.items()
        for index, unit in enumerate(members)
    }


class ByUnit(LoadFileScheduling):
    """xdist's own way to hand out files, for units."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def scheduler(config: pytest.Config, log: Any) -> ByUnit | None:
    """Scheduler for `--dist loadfile`; None for xdist's other ways."""
    return ByUnit(config, log) if config.getoption("dist") == "loadfile" else None
