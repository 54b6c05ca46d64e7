"""Dependencies of an answer about jobs: what it was made from, by which the next poll finds out
whether the answer is still current."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import request

from shared import accounts, jobs
from shared.accounts import Credential
from shared.jobs import JobSelection
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import current_credential
from web.services import Services, services

ENVIRON_KEY = "longscribe.dependencies"
"""Key of an answer's dependencies in the request's WSGI environment."""

API_MAX_AGE_S = 30.0
"""Seconds after which, at the latest, an answer of the API is made anew whatever is known."""

PAGE_MAX_AGE_S = 10.0
"""Seconds after which, at the latest, a part of a page is made anew: it says in words how long
something will take, and what keeps workers from taking jobs."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Values that the answer to a poll was made from."""

    endpoint: str
    owner_id: str
    credential: Credential | None
    """Proof of who asked; None without sign-in."""
    selection: JobSelection
    state: bytes
    workers_alive: int | None
    positions: Mapping[str, int]
    """Places of the jobs that wait, by id."""
    expires_at: float
    """Time at which the answer is made anew in any case, on this process's monotonic clock."""


@dataclass(slots=True)
class Shown:
    """Values that an answer shows and that are in no row of its jobs."""

    workers_alive: int | None = None
    positions: dict[str, int] = field(default_factory=dict)

    def shows(
        self, positions: Iterable[tuple[str, int | None]], *, workers_alive: int | None
    ) -> None:
        """Note what the answer shows: each job's id and place in the queue, and the number of
        workers; None where it shows none."""
        self.workers_alive = workers_alive
        self.positions = {job_id: place for job_id, place in positions if place is not None}


@contextmanager
def track_dependencies(selection: JobSelection | None, *, max_age_s: float) -> Iterator[Shown]:
    """Read an answer about the selected jobs inside, and note on what is given what it shows.

    What is stored of them is compared before and after: if it is the same, the answer was made of
    that and of nothing in between.  Without a selection nothing is noted.
    """
    shown = Shown()
    # Whoever does not poll pays nothing.
    if selection is None or "If-None-Match" not in request.headers:
        yield shown
        return
    here, credential = services(), current_credential()
    began = time.monotonic()
    before = state_of(here, selection, credential or current_owner_id())
    yield shown
    if before is None or before != state_of(here, selection, credential or current_owner_id()):
        return
    request.environ[ENVIRON_KEY] = Dependencies(
        endpoint=request.endpoint or "none",
        owner_id=current_owner_id(),
        credential=credential,
        selection=selection,
        state=before,
        workers_alive=shown.workers_alive,
        positions=shown.positions,
        # Else answers made at the same moment, by a thousand clients, are made anew at the same.
        expires_at=began + max_age_s * random.uniform(0.5, 1.0),
    )


def state_of(here: Services, selection: JobSelection, of: Credential | str) -> bytes | None:
    """The digest of what is stored of the selected jobs; None where that is not to be had."""
    return jobs.stored_state(
        here.db, selection, of=of, limits=accounts.session_limits(here.settings)
    )
