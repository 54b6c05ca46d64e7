"""What all clients of a soak have in common."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import requests

from tests.chaos.soak.client_log import ClientLog

TIMEOUT_S = 20.0
BUSY = (502, 503)
"""Statuses with which a server whose database or Redis is out asks to come again."""


class Client:
    """Calls `act` until stopped, with a pause of `pause_s` on average."""

    pause_s = 0.5

    def __init__(self, log: ClientLog, urls: Sequence[str], seed: int) -> None:
        self.log = log
        self.random = random.Random(seed)
        self._urls = urls
        self._session = requests.Session()
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()

    def join(self) -> None:
        self._thread.join(2 * TIMEOUT_S)

    def act(self) -> None:
        raise NotImplementedError

    def ask(self, method: str, path: str, **how: object) -> requests.Response | None:
        """One request to either web server; None if no answer came."""
        url = self.random.choice(self._urls) + path
        try:
            answer = self._session.request(method, url, timeout=TIMEOUT_S, **how)  # type: ignore[arg-type]
        except requests.RequestException:
            self.log.count("no answer")
            return None
        if answer.status_code == 500:
            self.log.complain(f"{method} {path} was answered 500: {answer.text[:200]}")
        return answer

    def _run(self) -> None:
        while not self.stopped.wait(self.random.expovariate(1 / self.pause_s)):
            try:
                self.act()
            except BaseException as error:
                self.log.complain(f"a client broke: {error!r}")
                raise
