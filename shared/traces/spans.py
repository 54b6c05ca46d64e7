"""Spans of a job's processing, in every process that works on it.

Attributes are ids, numbers and words of fixed lists: no text of a recording, no name of a file, no
message of an error and no secret ever becomes one.  Nothing here raises, and nothing waits for a
collector.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import structlog

from shared.errors import LongscribeError

if TYPE_CHECKING:
    from shared.traces.exporter import ExportedSpan, Exporter, Kind

log = structlog.get_logger(__name__)

Value = int | float | str | None

T = TypeVar("T")

WEB = "longscribe-web"
WORKER = "longscribe-worker"
"""Names of services, of which each process is one."""

FLUSHED_WITHIN_S = 2.0
"""Seconds for which the end of a process waits for a collector."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OVER_HTTP = "http/protobuf"

TRACE_ID_DIGITS = 32
"""Number of hexadecimal digits of a trace's id."""

_service = "longscribe"
_lock = threading.Lock()
_of_process: tuple[int, Exporter | None, str] | None = None
"""A process, what it sends by, and else why it sends nothing."""


def are_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names a collector. The variables are OpenTelemetry's, which
    its package reads too."""
    if not endpoint(environment):
        return False
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return "otlp" in _listed(environment, "OTEL_TRACES_EXPORTER", "otlp")


def endpoint(environment: Mapping[str, str] = os.environ) -> str:
    """The address that the environment names, which may hold a password; empty without one."""
    return next(filter(None, map(environment.get, _ENDPOINTS)), "")


def trouble() -> str:
    """Reason why this process sends nothing although the environment names a collector; else
    empty."""
    _exporter()
    return _of_process[2] if _of_process is not None and are_wanted() else ""


def takes_callers_context(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a request's own traceparent is continued."""
    return "tracecontext" in _listed(environment, "OTEL_PROPAGATORS", "tracecontext,baggage")


def _listed(environment: Mapping[str, str], variable: str, default: str) -> list[str]:
    """Values of a variable that lists some. An empty one counts as not set, as everywhere in
    OpenTelemetry."""
    told = environment.get(variable, "").strip() or default
    return [one.strip() for one in told.split(",")]


def note_service(name: str) -> None:
    """Say what this process is; OTEL_SERVICE_NAME says otherwise.

    What it sends by is made now: that takes a second of imports and of asking where it runs, in
    which no transaction is to stay open, and what is wrong with a variable is told at the start.
    """
    global _service
    _service = name
    _exporter()


def _exporter() -> Exporter | None:
    """Exporter of this process; None where nothing is traced. A process that was forked begins
    anew, for threads stay behind."""
    global _of_process
    if not are_wanted():
        return None
    known = _of_process
    if known is not None and known[0] == os.getpid():
        return known[1]
    with _lock:
        if _of_process is None or _of_process[0] != os.getpid():
            exporter, why_not = _new_exporter()
            if why_not:
                log.warning("no traces are sent", because=why_not)
            _of_process = (os.getpid(), exporter, why_not)
        return _of_process[1]


def _new_exporter() -> tuple[Exporter | None, str]:
    """Make an exporter, or give the reason why nothing is sent."""
    asked = next(filter(None, map(os.environ.get, _PROTOCOLS)), _OVER_HTTP)
    if asked != _OVER_HTTP:
        return None, f"they are sent by {_OVER_HTTP} only, and another protocol is asked for"
    try:
        from shared.traces.exporter import Exporter

        return Exporter(_service), ""
    except ModuleNotFoundError:
        return None, "OpenTelemetry is not installed: pip install 'longscribe[traces]'"
    except ValueError:
        return None, "OpenTelemetry refuses its variables (OTEL_...)"
    except Exception as error:  # noqa: BLE001 - traces stop no job
        return None, f"OpenTelemetry could not begin ({type(error).__name__})"


class Span:
    """Span of an operation under way; without effect where nothing is traced."""

    def __init__(self, exported: ExportedSpan | None = None) -> None:
        self._exported = exported
        self._ended = False

    @property
    def traceparent(self) -> str | None:
        """Identifier by which another process puts spans below this one; None where nothing is
        traced."""
        exported = self._exported
        return None if exported is None else _tried(lambda: exported.traceparent)

    def note(self, **attributes: Value) -> None:
        """Add ids, numbers, or words of a fixed list."""
        self.note_all(attributes)

    def note_all(self, attributes: Mapping[str, Value]) -> None:
        """Add ids, numbers, or words of a fixed list under names that may have a dot, as
        OpenTelemetry's own."""
        exported = self._exported
        if exported is not None:
            _tried(lambda: exported.note(dict(attributes)))

    def fail(self, error: BaseException | str) -> None:
        """Mark it as failed, by the error's code or kind: never by its message."""
        exported = self._exported
        if exported is not None:
            _tried(lambda: exported.fail(_kind_of(error)))

    def end(self, ended_ns: int | None = None) -> None:
        exported = self._exported
        if exported is not None and not self._ended:
            self._ended = True
            _tried(lambda: exported.end(ended_ns))


class _Given:
    """A parent that another process has begun."""

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent


class _Request:
    """A request of which a span is made once something happens that is worth one: of the thousands
    that only look, none is."""

    def __init__(self, name: str, caller: str | None) -> None:
        self._name = name
        self._caller = caller
        self._began_ns = time.time_ns()
        self.span: Span | None = None

    @property
    def traceparent(self) -> str | None:
        if self.span is None:
            self.span = _begun(
                self._name, kind="server", parent=self._caller, began_ns=self._began_ns
            )
        return self.span.traceparent


_parent: ContextVar[Span | _Given | _Request | None] = ContextVar("parent", default=None)


def traceparent() -> str | None:
    """Identifier of the present span, stored with a job so that spans of other processes are put
    below it; None where nothing is traced, or no span but the trace of a job's id is known."""
    return _naming_a_span(_above())


def _above() -> str | None:
    """Parent of a span that begins here."""
    parent = _parent.get()
    return None if parent is None else parent.traceparent


def _naming_a_span(given: str | None) -> str | None:
    """A traceparent; None for the id of a trace alone."""
    return None if given is not None and len(given) == TRACE_ID_DIGITS else given


def of_job(job_id: str, stored: str | None) -> str | None:
    """Parent of a job's spans: the traceparent that is stored with it, or else, as of a job that
    came while nothing was traced, the id of a trace that follows from the job's, in which each of
    them is a root. None where nothing is traced."""
    if not are_wanted():
        return None
    # Not the id itself: a sampler takes the last digits for random, and an id's are not.
    return stored or hashlib.sha256(job_id.encode()).hexdigest()[:TRACE_ID_DIGITS]


@contextmanager
def within(given: str | None) -> Iterator[None]:
    """Let spans stand below what `of_job` gave, or another traceparent; None: below none."""
    token = _parent.set(_Given(given) if given and are_wanted() else None)
    try:
        yield
    finally:
        _parent.reset(token)


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    link: str | None = None,
    **attributes: Value,
) -> Iterator[Span]:
    """A span of what is done inside, below `parent` or what is under way. What is raised inside
    marks it as failed."""
    begun = _begun(name, kind=kind, parent=parent or _above(), link=link)
    begun.note(**attributes)
    token = _parent.set(begun)
    try:
        yield begun
    except BaseException as error:
        begun.fail(error)
        raise
    finally:
        _parent.reset(token)
        begun.end()


def record(
    name: str,
    *,
    began: datetime | int,
    ended: datetime | int | None = None,
    kind: Kind = "internal",
    parent: str | None = None,
    failed: BaseException | str | None = None,
    **attributes: Value,
) -> None:
    """A span of what is over; times in ns since 1970 or as the database has them, and `ended` now
    unless given. One that would end before it began, by another machine's clock, takes no time."""
    began_ns, ended_ns = _ns(began), _ns(ended) if ended is not None else time.time_ns()
    over = _begun(name, kind=kind, parent=parent or _above(), began_ns=min(began_ns, ended_ns))
    over.note(**attributes)
    if failed is not None:
        over.fail(failed)
    over.end(ended_ns)


def begin_request(name: str, caller: str | None) -> None:
    """Let a request be what is under way in this thread, below its caller's span, until `leave`."""
    _parent.set(_Request(name, _naming_a_span(caller)))


def leave(status_code: int | None) -> None:
    """End what `begin_request` began."""
    request = _parent.get()
    _parent.set(None)
    if isinstance(request, _Request) and request.span is not None:
        request.span.note_all({"http.response.status_code": status_code})
        if status_code is None or status_code >= 500:
            request.span.fail(str(status_code or "no_answer"))
        request.span.end()


def flush(within_s: float = FLUSHED_WITHIN_S) -> None:
    """Send what waits, before a process ends."""
    known = _of_process
    if known is not None and known[0] == os.getpid() and known[1] is not None:
        exporter = known[1]
        _tried(lambda: exporter.flush(within_s))


def _begun(
    name: str,
    *,
    kind: Kind,
    parent: str | None,
    link: str | None = None,
    began_ns: int | None = None,
) -> Span:
    exporter = _exporter()
    if exporter is None:
        return Span()
    return Span(
        _tried(lambda: exporter.begin(name, kind=kind, parent=parent, link=link, began_ns=began_ns))
    )


def _tried(call: Callable[[], T]) -> T | None:
    """Call OpenTelemetry; None where it fails, since tracing must not disturb a job."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not the job's
        log.warning("a span is lost", error=type(error).__name__)
        return None


def _ns(at: datetime | int) -> int:
    return at if isinstance(at, int) else int(at.timestamp() * 1e9)


def _kind_of(error: BaseException | str) -> str:
    if isinstance(error, str):
        return error
    return str(error.code) if isinstance(error, LongscribeError) else type(error).__name__
