"""`longscribe doctor`: what is wrong with an installation, and what to do about it.

It changes nothing, except with `--delete-orphans`, and starts nothing: a fresh data folder is not
even made.  What is not there because nothing runs is told as such and is no problem.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial

from shared.cli.doctor.accounts import check_accounts
from shared.cli.doctor.database import check_clock, check_database, check_jobs, check_workers
from shared.cli.doctor.disk import check_data_folder, check_disk
from shared.cli.doctor.finding import Check, Finding, Level, guarded, unchecked
from shared.cli.doctor.orphans import check_orphans
from shared.cli.doctor.other_servers.minutes import check_minutes, check_minutes_queue
from shared.cli.doctor.other_servers.playback import WITHIN_S as LISTENING_WITHIN_S
from shared.cli.doctor.other_servers.playback import check_listening
from shared.cli.doctor.other_servers.providers import WITHIN_S, check_providers
from shared.cli.doctor.other_servers.traces import check_traces
from shared.cli.doctor.permissions import check_permissions
from shared.cli.doctor.redis_and_workers import check_redis, check_workers_here
from shared.cli.doctor.sandbox import check_sandbox
from shared.cli.doctor.search_index import check_search_index
from shared.cli.doctor.speech import ENGINE_WITHIN_S, check_speech
from shared.cli.doctor.storage import check_storage_here
from shared.cli.doctor.tallies import check_tallies
from shared.cli.embedded.data_folder import holder
from shared.db import Database
from shared.settings import DEMO, Settings

FINE = 0
PROBLEMS = 1
COULD_NOT_CHECK = 2

_FOLDERS_WITHIN_S = 120.0
_TABLES_WITHIN_S = 30.0
_MODEL_SERVER_WITHIN_S = 15.0

_NEED_THE_DATABASE = (
    "clock",
    "storage",
    "workers",
    "jobs",
    "tallies",
    "search index",
    "accounts",
    "orphans",
)


def examine(
    settings: Settings,
    *,
    delete_orphans: bool = False,
    quick: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Finding]:
    """Run all checks and return their findings; `now` is this machine's clock.

    With `quick` the model is not loaded.
    """
    embedded = not settings.redis_url.get_secret_value()
    if embedded and "model" not in settings.model_fields_set:
        settings = settings.model_copy(update={"model": DEMO})  # as `longscribe serve` does
    served_by = holder(settings.data_dir)
    *first, database = guarded(
        [
            Check("data folder", partial(check_data_folder, settings)),
            Check("disk", partial(check_disk, settings)),
            Check("permissions", partial(check_permissions, settings), within_s=_FOLDERS_WITHIN_S),
            Check("sandbox", partial(check_sandbox, settings)),
            Check("health", partial(check_workers_here, settings)),
            Check("redis", partial(check_redis, settings, served_by), when_late=Level.PROBLEM),
            Check("minutes", partial(check_minutes, settings), within_s=_MODEL_SERVER_WITHIN_S),
            Check("traces", check_traces),
            Check("listening", partial(check_listening, settings), within_s=LISTENING_WITHIN_S),
            Check("sign-in", partial(check_providers, settings), within_s=WITHIN_S),
            Check(
                "model",
                partial(check_speech, settings, quick=quick),
                within_s=ENGINE_WITHIN_S + 10.0,
            ),
            Check("database", partial(check_database, settings), when_late=Level.PROBLEM),
        ]
    )
    found = [*(finding for findings in first for finding in findings), *database]
    if any(finding.level is not Level.OK for finding in database):
        waits = "not looked at: it needs the database"
        return [*found, *(unchecked(thing, waits) for thing in _NEED_THE_DATABASE)]
    if len(database) == 1:  # it does not exist yet, so neither does anything in it
        return found
    db = Database(settings.resolved_database_url)
    rest = guarded(
        [
            Check("clock", partial(check_clock, db, now)),
            Check("storage", partial(check_storage_here, db, settings)),
            Check("workers", partial(check_workers, db, settings, served_by)),
            Check("jobs", partial(check_jobs, db, settings, served_by)),
            Check("minutes", partial(check_minutes_queue, db, settings)),
            Check("tallies", partial(check_tallies, db), within_s=_TABLES_WITHIN_S),
            Check("search index", partial(check_search_index, db), within_s=_TABLES_WITHIN_S),
            Check("accounts", partial(check_accounts, db, settings)),
            Check(
                "orphans",
                partial(check_orphans, db, settings, delete=delete_orphans),
                within_s=_FOLDERS_WITHIN_S,
            ),
        ]
    )
    db.dispose()
    return [*found, *(finding for findings in rest for finding in findings)]


def exit_status(findings: Sequence[Finding]) -> int:
    """The exit status: a problem weighs more than what could not be checked; a warning is fine."""
    levels = {finding.level for finding in findings}
    if Level.PROBLEM in levels:
        return PROBLEMS
    return COULD_NOT_CHECK if Level.UNCHECKED in levels else FINE


def as_json(findings: Sequence[Finding]) -> str:
    """{"exit_status": 0 | 1 | 2, "findings": [{"level", "thing", "finding", "what_to_do"}]}"""
    body = {
        "exit_status": exit_status(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(body, ensure_ascii=False, indent=2)


def as_columns(findings: Sequence[Finding], *, width: int = 100) -> str:
    """The findings as text: level, thing and finding side by side; what to do below the finding."""
    level = max(len(finding.level) for finding in findings) + 2
    thing = max(len(finding.thing) for finding in findings) + 2
    lines = []
    for finding in findings:
        beside = f"{finding.level:<{level}}{finding.thing:<{thing}}"
        for text in filter(None, (finding.finding, finding.what_to_do)):
            mark = "-> " if text is finding.what_to_do else ""
            lines += textwrap.wrap(
                mark + text,
                max(width, level + thing + 40),
                initial_indent=beside,
                subsequent_indent=" " * (level + thing + len(mark)),
                break_long_words=False,
                break_on_hyphens=False,
            )
            beside = " " * (level + thing)
    return "\n".join(lines)
