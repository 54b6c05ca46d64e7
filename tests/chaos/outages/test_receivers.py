"""Receivers that are down, stall, lie and redirect for an hour, by a clock that is moved on: each
gets each event afterwards, once under its id, those of a job in order, and the others meanwhile."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared import jobs
from shared.db import Database, database_now
from shared.states import JobStatus
from shared.webhooks import delivery_queue
from shared.webhooks.delivery_queue import claim_next, store
from tests.database.webhooks.test_sender import SETTINGS, add, opened, sending
from tests.support import factories
from tests.support.doubles.receiver import (
    Answer,
    Receiver,
    answering,
    drip,
    garbage,
    receiver,
    saying,
    stall,
)
from tests.support.stack import hold_port, wait_for
from worker.webhooks.delivery_threads import AT_ONCE
from worker.webhooks.send_delivery import Delivery

HOUR_S = 3600
STEP_S = 60
BRIEF_S, ENOUGH_S = 0.15, 3.0
"""Given to those who never answer, and to those whose status comes at once and no more."""

ON_BOTH = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.long])],
    indirect=True,
)

OK = b"HTTP/1.1 200 OK\r\n"
PATIENCE = b"HTTP/1.1 100 Continue\r\n\r\n"

ENDLESS = {
    "stalls": stall,
    "begins an answer for ever": drip,
    "asks for patience for ever": saying(
        b"", endlessly=b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.02
    ),
    "has headers for ever": saying(OK + b"X: ", endlessly=b"x" * 1000, pause_s=0.01),
}
ILL: dict[str, Answer] = {
    **ENDLESS,
    "has its proxy answer": answering(502, b"<h1>Bad Gateway</h1>"),
    "is busy": answering(503, Retry_After="120"),
    "hangs up": saying(b""),
    "hangs up within the status": saying(b"HTTP/1.1 2"),
    "talks garbage": garbage,
    "answers informally": saying(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "redirects to where clouds keep their keys": answering(
        307, Location="http://169.254.169.254/latest/meta-data/"
    ),
    "refuses at length": saying(
        b"HTTP/1.1 500 Oh no\r\n\r\n", endlessly=b"x" * 1000, pause_s=0.001
    ),
}
"""Answers of which none is a success."""

ENDLESS_200 = {
    "accepts and is silent": saying(OK + b"Content-Length: 9\r\n\r\n", endlessly=b"x", pause_s=60),
    "accepts, a byte at a time": saying(
        OK + b"Content-Length: 99999\r\n\r\n", endlessly=b"x", pause_s=0.02
    ),
}
ODD: dict[str, Answer] = {
    **ENDLESS_200,
    "accepts and hangs up": saying(OK + b"Content-Length: 100\r\n\r\nshort"),
    "accepts and talks for ever": saying(OK + b"\r\n", endlessly=b"x" * 1000),
    "accepts in no chunks": saying(OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n"),
    "accepts with half a head": saying(OK + b"Content-Ty"),
    "accepts": answering(204),
}
"""Answers of which each is a success: the status came."""


DOWN = "is down"


class Clock:
    """The database's, as deliveries see it; moved on by hand."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self, offset_s: float = 0.0) -> database_now:
        return database_now(self.passed_s + offset_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(delivery_queue, "database_now", made.now)
    return made


class Receivers:
    """One for each way to answer, of an account each; what is due is sent one after another."""

    def __init__(self, db: Database, stack: ExitStack) -> None:
        self.db = db
        self.by_name: dict[str, Receiver] = {}
        self.secrets: dict[str, str] = {}
        self._timeouts: dict[str, float] = {}
        self._stack = stack
        for name, answer in {**ILL, **ODD}.items():
            there = stack.enter_context(receiver())
            there.otherwise = answer
            self._add(name, there)
            if name in ENDLESS:
                self._timeouts[there.url] = BRIEF_S
            elif name in ENDLESS_200:
                self._timeouts[there.url] = ENOUGH_S
        self.trap = stack.enter_context(receiver())
        away = stack.enter_context(receiver())
        away.otherwise = answering(302, Location=self.trap.url)
        self._add("redirects to a neighbour", away)
        self._add(DOWN, Receiver(port=hold_port()))

    def _add(self, name: str, there: Receiver) -> None:
        self.by_name[name] = there
        _, self.secrets[name] = add(self.db, there.url, owner_id=name)

    def send_what_is_due(self) -> None:
        while (claim := claim_next(self.db, lease_s=60)) is not None:
            timeout_s = self._timeouts.get(claim.url, 20.0)
            sent = Delivery(claim, self.db, SETTINGS.outbound_rules, timeout_s=timeout_s).send()
            store(self.db, claim, sent, disable_after_s=5 * 86400.0)

    def be_well(self) -> None:
        self._timeouts.clear()
        there = self.by_name[DOWN]
        self.by_name[DOWN] = self._stack.enter_context(receiver(port=there.port))
        for there in self.by_name.values():
            there.otherwise = None
            there.free.set()
            there.received.clear()

    def told(self, name: str) -> dict[str, list[str]]:
        """The types of what came to one since it was cleared, by job; each id came once."""
        came = self.by_name[name].received
        ids = [one.headers["webhook-id"] for one in came]
        assert len(ids) == len(set(ids)), name
        by_job = defaultdict(list)
        for one in came:
            told = opened(one, self.secrets[name])
            by_job[told["data"]["id"]].append(told["type"])
        return by_job


@pytest.fixture
def receivers(db: Database) -> Iterator[Receivers]:
    with ExitStack() as stack:
        yield Receivers(db, stack)


@ON_BOTH
def test_after_an_hour_each_has_each_event_once_and_the_others_had_them_meanwhile(
    db: Database, clock: Clock, receivers: Receivers
) -> None:
    wanted: dict[str, dict[str, list[str]]] = {name: {} for name in receivers.by_name}

    def happen(status: JobStatus, types: list[str]) -> None:
        for name, expected in wanted.items():
            expected[factories.a_job(db, status, owner_id=name)] = types

    happen(JobStatus.COMPLETED, ["job.submitted", "job.started", "job.completed"])
    for passed_s in range(0, HOUR_S, STEP_S):
        receivers.send_what_is_due()
        if passed_s == HOUR_S // 2:
            happen(JobStatus.CANCELLED, ["job.submitted", "job.cancelled"])
            receivers.send_what_is_due()
        if passed_s in (0, HOUR_S // 2):
            assert {name: receivers.told(name) for name in ODD} == {
                name: wanted[name] for name in ODD
            }
        clock.passed_s += STEP_S
    ill = wanted.keys() - ODD.keys()
    for name in ill:
        bodies = [json.loads(one.body) for one in receivers.by_name[name].received]
        assert {told["type"] for told in bodies} == (set() if name == DOWN else {"job.submitted"})
        assert len(bodies) <= 8 + HOUR_S / 300, f"{name} was asked too often"
    assert receivers.trap.received == []
    receivers.be_well()
    waited_s = 0
    while any(receivers.told(name) != wanted[name] for name in ill):
        assert waited_s <= HOUR_S
        receivers.send_what_is_due()
        clock.passed_s += STEP_S
        waited_s += STEP_S
    print(f"\nall had everything {waited_s // 60} minutes after the hour at the latest")
    receivers.send_what_is_due()
    clock.passed_s += 86400
    receivers.send_what_is_due()
    for name, expected in wanted.items():
        assert receivers.told(name) == (expected if name in ill else {}), "nothing comes again"
    assert receivers.trap.received == []
    assert claim_next(db, lease_s=60) is None


@ON_BOTH
def test_one_that_was_never_sent_to_is_served_while_more_stall_than_may_be_sent_to(
    db: Database,
) -> None:
    with receiver() as slow, receiver() as there:
        slow.otherwise = stall
        for n in range(2 * AT_ONCE):
            add(db, slow.url, owner_id=f"slow {n}")
            factories.submit(db, owner_id=f"slow {n}")
        with sending(db, webhook_timeout_s=1):
            assert slow.stalled.wait(60)
            _, secret = add(db, there.url, owner_id="late")
            job_id = factories.submit(db, owner_id="late")
            wait_for(lambda: bool(there.received), what="the late one's")
            assert opened(there.received[0], secret)["data"]["id"] == job_id
            assert not slow.free.is_set()
            # Nor is a job held up.
            claimed = jobs.claim_next(db, worker="worker", lease_s=60, model="demo")
            assert claimed is not None
