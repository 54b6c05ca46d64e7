"""The embedded stack: Redis, the schema, one worker, the web server and, where a language model is
set up, the process that writes minutes, under one supervisor.

Everything lives in the data folder and nothing outlives the supervisor, not even when it is
killed.  A child that dies is started again; what it was doing is safe in SQL.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import migrations
from shared import jobs
from shared.cli.embedded.child import Child
from shared.cli.embedded.data_folder import StackFailed, claimed, listening
from shared.cli.embedded.log_follower import LogFollower, as_text, is_worth_showing
from shared.cli.embedded.redis_server import (
    embedded_redis_answers,
    redis_command,
    require_given_redis,
    set_aside_what_it_kept,
)
from shared.db import Database
from shared.logs import MODEL_LOADED, MODEL_UNAVAILABLE
from shared.open_files import LEAST_OPEN_FILES, allow_open_files
from shared.private_files import close_to_others, take_umask
from shared.settings import Settings
from shared.settings.environment import file_variable
from shared.states import START_OBSTACLES

Say = Callable[[str], None]

_STOP_WITHIN_S = 7.0
"""Seconds for the worker to finish its batch and give the job back. What a longer batch loses is
done again; Ctrl-C promises less than 10 s."""

_WEB_GRACE_S = 3
"""Seconds of _STOP_WITHIN_S for the web server to finish what it answers."""

_POLL_S = 0.1
_STILL_WAITING_EVERY_S = 15.0


class Stack:
    """A running stack. Its owner calls `tend` several times a second, from the main thread."""

    def __init__(self, settings: Settings, server: socket.socket, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._logs = settings.data_dir / "logs"
        self._children: list[Child] = []
        self._followers: dict[str, LogFollower] = {}
        self._model_loaded = False
        self._is_starting = True
        host, port = server.getsockname()[:2]
        self._connect_to = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port
        self.address = f"http://{_in_url(self._connect_to[0])}:{port}"
        self._server_fd = server.fileno()
        self._environment = _environment(settings, port)

    def start(self) -> None:
        """Return once jobs are taken. Raises StackFailed if a process ends before."""
        if self._settings.redis_url.get_secret_value():
            require_given_redis(self._settings)
        else:
            self._start_redis()
        migrations.upgrade(self._settings.resolved_database_url)
        python = [sys.executable, "-m"]
        celery = ["celery", "-A", "worker.app", "worker", "--loglevel", "INFO"]
        web = ["gunicorn", "-c", "python:web.gunicorn_settings", "web.app:create_app()"]
        self._launch(
            "worker",
            [*python, *celery, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        )
        # Open streams of events must neither hold up the end nor outlive a killed supervisor.
        web += ["--bind", f"fd://{self._server_fd}", "--graceful-timeout", str(_WEB_GRACE_S)]
        self._launch("web", [*python, *web])
        if self._settings.writes_minutes:
            self._launch("minutes", [*python, "worker.minutes"])
        self._wait_until("the web server", self._web_answers)
        self._wait_until("the speech model", lambda: self._model_loaded)
        self._wait_until("the worker", self._worker_has_begun)
        self._is_starting = False

    def _start_redis(self) -> None:
        self._launch("redis", redis_command(self._settings))
        try:
            self._wait_until("Redis", lambda: embedded_redis_answers(self._settings))
        except StackFailed:
            if not set_aside_what_it_kept(self._settings):
                raise
            self._say("Redis cannot read what it kept, and begins anew; no job is lost with that.")
            self._children[0].start()
            self._wait_until("Redis", lambda: embedded_redis_answers(self._settings))

    def tend(self) -> None:
        """Start again what died, pass on what the logs say, and keep them from growing for ever."""
        for child in self._children:
            if happened := child.revive():
                self._say(happened)
        self._pass_on_events()
        for child in self._children:
            child.bound_log()

    def _pass_on_events(self) -> None:
        """Print what the logs say that is worth showing, and see that the model is loaded. Raises
        StackFailed while starting if the worker has no model: its message says why."""
        for name, follower in self._followers.items():
            for event in follower.new_events():
                if event["event"] == MODEL_UNAVAILABLE and self._is_starting:
                    raise StackFailed(str(event.get("message", MODEL_UNAVAILABLE)))
                self._model_loaded = self._model_loaded or event["event"] == MODEL_LOADED
                if is_worth_showing(event, self._settings.log_level):
                    self._say(f"{name}: {as_text(event)}")

    def stop(self) -> None:
        """Stop everything in order, within seconds. A second Ctrl-C kills what is left at once."""
        deadline = time.monotonic() + _STOP_WITHIN_S
        redis = [child for child in self._children if child.name == "redis"]
        others = [child for child in self._children if child.name != "redis"]
        try:
            for group in (others, redis):  # the worker's last words go through Redis
                for child in group:
                    child.ask_to_stop()
                for child in group:
                    child.end(deadline)
        finally:
            for child in self._children:
                child.end(0.0)

    def log_tails(self) -> str:
        """The end of every log, for a failure that they may explain."""
        return "\n".join(
            f"--- last lines of {child.log}\n" + "\n".join(child.last_lines())
            for child in self._children
        )

    def _launch(self, name: str, argv: list[str]) -> None:
        child = Child(
            name,
            argv,
            log=self._logs / f"{name}.log",
            env=self._environment,
            pass_fds=[self._server_fd] if name == "web" else [],
        )
        self._followers[name] = LogFollower(child.log)
        child.start()
        self._children.append(child)

    def _wait_until(self, what: str, is_ready: Callable[[], bool]) -> None:
        """Wait without a time limit of its own: a model may take minutes to download."""
        begun = said = time.monotonic()
        while not is_ready():
            self._pass_on_events()
            for child in self._children:
                if status := child.exit_status():
                    tail = "\n".join(child.last_lines())
                    raise StackFailed(
                        f"{child.name} ended while starting ({status}). Its log, {child.log}, "
                        f"ends with:\n{tail}"
                    )
            if time.monotonic() - said > _STILL_WAITING_EVERY_S:
                said = time.monotonic()
                self._say(f"Still waiting for {what} ({said - begun:.0f} s) ...")
            time.sleep(_POLL_S)

    def _web_answers(self) -> bool:
        connection = http.client.HTTPConnection(*self._connect_to, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def _worker_has_begun(self) -> bool:
        """Return whether the worker finds lost jobs and takes the next one, or has an obstacle that
        does not pass within seconds."""
        worker = next(child for child in self._children if child.name == "worker")
        db = Database(self._settings.resolved_database_url)
        try:
            return any(
                seen.name.endswith(f":{worker.pid}") and not START_OBSTACLES & set(seen.obstacles)
                for seen in jobs.workers_seen(db, within_s=3 * self._settings.sweep_s)
            )
        finally:
            db.dispose()


@contextmanager
def running_stack(settings: Settings, say: Say, *, any_free_port: bool = False) -> Iterator[Stack]:
    """A stack from its start to its end.

    Raises StackFailed, before anything is started, if the data folder or the port is taken, and
    TooFewOpenFiles.
    """
    if sys.platform != "linux":
        raise StackFailed("The embedded stack needs Linux; elsewhere use docker compose.")
    take_umask(settings)
    allow_open_files(LEAST_OPEN_FILES)
    with (
        claimed(settings.data_dir),
        listening(settings.host, settings.port, or_any_free=any_free_port) as server,
    ):
        if closed := close_to_others(settings):
            say(f"Others could read {closed[0]} ({len(closed)} files and folders); private now.")
        stack = Stack(settings, server, say)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _environment(settings: Settings, port: int) -> dict[str, str]:
    """The environment of the children: ours, with what this stack decided."""
    decided = {file_variable("database_url"), file_variable("redis_url")}
    return {
        **{name: value for name, value in os.environ.items() if name not in decided},
        "LONGSCRIBE_HOST": settings.host,
        "LONGSCRIBE_PORT": str(port),
        "LONGSCRIBE_SIGN_IN": settings.sign_in,
        "LONGSCRIBE_DATA_DIR": str(settings.data_dir.resolve()),
        "LONGSCRIBE_DATABASE_URL": settings.database_url,
        "LONGSCRIBE_REDIS_URL": settings.redis_url.get_secret_value(),
        "LONGSCRIBE_MODEL": settings.model,
        # The supervisor reads the logs; the terminal shows what LONGSCRIBE_LOG_LEVEL asks for.
        "LONGSCRIBE_LOG_FORMAT": "json",
        "LONGSCRIBE_LOG_LEVEL": "DEBUG" if settings.log_level == "DEBUG" else "INFO",
        "PYTHONUNBUFFERED": "1",
    }
