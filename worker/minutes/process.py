"""The process that writes minutes: claims one request after another until it is told to stop.

There may be several of them, on several machines.  A doorbell in Redis wakes them up; without it
they look every LONGSCRIBE_SWEEP_S.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from functools import partial

import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.celery_doorbell import MinutesDoorbell, make_celery
from shared.db import Database
from shared.errors import Cancelled, FenceLost, InternalError, LongscribeError, PermanentError
from shared.minutes import minutes_queue
from shared.minutes.contents import Minutes
from shared.minutes.cutting import transcript_digest
from shared.minutes.errors import ModelServerBusy
from shared.settings import Settings
from worker.minutes.connection import Exchange, Stopped
from worker.minutes.model_server import ModelServer
from worker.minutes.writer import Writer
from worker.supervision.heartbeat import Heartbeat, ShutdownRequested
from worker.supervision.lease_grace import OutageGrace

log = structlog.get_logger(__name__)

_LISTEN_S = 1.0
"""Longest time in seconds that a stop signal waits for the thread that listens for the doorbell."""


class _Interruption:
    """Ends what an attempt is waiting for, now or as soon as it begins to wait."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._asked = False

    def ask(self) -> None:
        """Interrupt the attempt. From any thread, or from a signal handler."""
        self._asked = True
        if (exchange := self._exchange) is not None:
            exchange.stop()

    def note(self, exchange: Exchange) -> None:
        """Note what the attempt waits for from now on."""
        self._exchange = exchange
        if self._asked:
            exchange.stop()


class MinutesProcess:
    """Claims and writes. `run` returns after `stop`, which a signal handler may call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._db = Database(settings.resolved_database_url)
        self._doorbell = MinutesDoorbell(make_celery(settings))
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._shutdown = threading.Event()
        self._interruption = _Interruption()
        self._grace = OutageGrace(
            lease_s=settings.lease_s, heartbeat_s=settings.heartbeat_s, sweep_s=settings.sweep_s
        )
        # What the server was found not to take is remembered from one request to the next.
        self._server = ModelServer(settings, stop_with=lambda ex: self._interruption.note(ex))

    def stop(self) -> None:
        """Give the request back that is being worked on, and end."""
        self._shutdown.set()
        self._interruption.ask()

    def run(self) -> None:
        """Work until `stop`."""
        log.info("writes minutes", host=self._settings.minutes_host, worker=self._name)
        while not self._shutdown.is_set():
            try:
                worked = self.work_once()
            except SQLAlchemyError as error:
                self._grace.note_error(error)
                log.error("database failed", error=str(error.__cause__ or error))
                worked = False
                self._shutdown.wait(_LISTEN_S)
            if not worked:
                self._wait()
        self._doorbell.close()
        self._db.dispose()

    def work_once(self) -> bool:
        """Bring lost requests back, claim the next one and work on it to its end; whether there was
        one. Raises SQLAlchemyError where the database could not be asked."""
        self._bring_lost_back()
        claim = minutes_queue.claim_next(
            self._db,
            worker=self._name,
            lease_s=self._settings.lease_s,
            model=self._settings.minutes_model,
            host=self._settings.minutes_host,
        )
        if claim is None:
            return False
        with structlog.contextvars.bound_contextvars(job_id=claim.job_id, fence=claim.fence):
            log.info("claimed minutes")
            log.info("attempt at minutes over", outcome=self._run_to_its_end(claim))
        return True

    def _bring_lost_back(self) -> None:
        """Queue requests again whose process renews its lease no more, unless nobody could renew
        one. What runs out from here on is left for the next look: an outage may begin."""
        asked_at = time.monotonic()
        seen_at = minutes_queue.lease_clock(self._db)
        self._grace.note_answer(asked_at=asked_at, seen_at=seen_at)
        if self._grace.is_over():
            for request_id in minutes_queue.expire_leases(self._db, expired_before=seen_at):
                log.warning("the lease of a request ran out", request=request_id)

    def _renew(self, claim: minutes_queue.MinutesClaim) -> None:
        try:
            minutes_queue.heartbeat(self._db, claim)
        except SQLAlchemyError as error:
            self._grace.note_error(error)  # others could not renew theirs either
            raise

    def _run_to_its_end(self, claim: minutes_queue.MinutesClaim) -> str:
        """The outcome, in words for the log. It is stored, or nothing is and the lease runs out."""
        try:
            return self._run(claim)
        except Cancelled:
            return "cancelled"
        except FenceLost:
            return "lost the lease; another process has the request, or it is deleted"
        except SQLAlchemyError as error:
            self._grace.note_error(error)
            log.error("database failed", error=str(error.__cause__ or error))
            return "left until its lease runs out"

    def _run(self, claim: minutes_queue.MinutesClaim) -> str:
        self._interruption = interruption = _Interruption()
        heartbeat = Heartbeat(
            partial(self._renew, claim),
            interval_s=self._settings.heartbeat_s,
            shutdown=self._shutdown,
            interrupt=interruption.ask,
        )
        try:
            with heartbeat:
                self._write(claim, heartbeat)
            return "completed"
        except (Stopped, ShutdownRequested):
            # Cancelled or lost, the release is refused with the reason.
            minutes_queue.release(self._db, claim)
            return "released"
        except (Cancelled, FenceLost, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary
            return self._end_by_error(claim, error)

    def _write(self, claim: minutes_queue.MinutesClaim, heartbeat: Heartbeat) -> None:
        # The database first: it says whose the job is by now.
        transcript = jobs.get_transcript(
            self._db, owner_id=claim.owner_id, job_id=claim.job_id, words=False
        )
        writer = Writer(
            self._server,
            model=self._settings.minutes_model,
            window_tokens=self._settings.minutes_window_tokens,
            prompts=claim.prompts,
            progress=_Kept(self._db, claim, heartbeat),
        )
        minutes = writer.write(transcript)
        heartbeat.check()
        minutes_queue.finish(
            self._db, claim, minutes, transcript_digest=transcript_digest(transcript)
        )

    def _end_by_error(self, claim: minutes_queue.MinutesClaim, raised: Exception) -> str:
        error = raised if isinstance(raised, LongscribeError) else InternalError()
        if isinstance(error, PermanentError) and not isinstance(error, InternalError):
            minutes_queue.fail(self._db, claim, error)
            return f"failed: {error.code}"
        log.error("attempt at minutes failed", code=error.code, exc_info=raised)
        asked = error.retry_after_s if isinstance(error, ModelServerBusy) else None
        minutes_queue.retry_later(self._db, claim, error, asked_delay_s=asked)
        return f"to be tried again: {error.code}"

    def _wait(self) -> None:
        """Wait until the doorbell rings or a sweep is due."""
        until = time.monotonic() + self._settings.sweep_s
        while not self._shutdown.is_set() and (left := until - time.monotonic()) > 0:
            try:
                if self._doorbell.wait(min(_LISTEN_S, left)):
                    return
            except (OperationalError, RedisError, OSError):
                self._shutdown.wait(left)


class _Kept:
    """Keeps the answers of an attempt in the database."""

    def __init__(
        self, db: Database, claim: minutes_queue.MinutesClaim, heartbeat: Heartbeat
    ) -> None:
        self._db = db
        self._claim = claim
        self._heartbeat = heartbeat

    def stored(self, digest: str) -> Minutes | None:
        self._heartbeat.check()
        return minutes_queue.stored_answer(self._db, self._claim, digest)

    def store(self, digest: str, answer: Minutes) -> None:
        minutes_queue.store_answer(self._db, self._claim, digest, answer)

    def note(self, done: int, planned: int) -> None:
        minutes_queue.note_progress(self._db, self._claim, done=done, planned=planned)


def run_until_signal(settings: Settings) -> None:
    """Write minutes until SIGTERM or SIGINT, which gives what is being written back."""
    process = MinutesProcess(settings)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: process.stop())
    process.run()
