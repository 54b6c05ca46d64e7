"""A small server of the chat API on loopback, which answers, refuses, stalls and lies as told.

Each question is answered by the first of `script` that is left, and by `summarise` after that.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.doubles.loopback import listening

Answer = Callable[["Handler", dict[str, Any]], None]

_LINE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)


@dataclass
class LanguageModel:
    """The server, what it was asked, and what it is to do next."""

    script: list[Answer] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """A client left while it was stalled."""
    free: threading.Event = field(default_factory=threading.Event)
    """Set at the end, so that no stalled answer outlives the test."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


class Handler(BaseHTTPRequestHandler):
    """Handler of one request."""

    model: LanguageModel
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.send(200, {"object": "list", "data": [{"id": "small"}, {"id": "other"}]})
        else:
            self.send(404, {"error": {"message": "no such path"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model = self.model
        model.questions.append({"path": self.path, **body})
        model.headers.append(dict(self.headers.items()))
        answer = model.script.pop(0) if model.script else summarise
        model.asked.set()
        with suppress(ConnectionError):
            answer(self, body)

    def send(
        self, status: int, value: Any, *, headers: dict[str, str] | None = None, kind: str = ""
    ) -> None:
        """Answer with JSON, or with text as it is."""
        text = value if isinstance(value, str) else json.dumps(value)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind or "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, said in (headers or {}).items():
            self.send_header(name, said)
        self.end_headers()
        self.wfile.write(content)

    def say(self, content: Any, *, finish: str = "stop") -> None:
        """Answer as a model does."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        self.send(200, {"object": "chat.completion", "choices": [choice]})


def sentences_of(body: dict[str, Any]) -> list[tuple[int, str]]:
    """The numbered lines of a question."""
    return [(int(n), text) for n, text in _LINE.findall(body["messages"][-1]["content"])]


def minutes_of(body: dict[str, Any]) -> dict[str, Any]:
    """Honest minutes: of a part its first sentence, of parts all that they have."""
    lines = sentences_of(body)
    if lines:
        n, text = lines[0]
        point = {"text": f"要点：{text}", "sentences": [n]}
        return {
            "summary": [point],
            "decisions": [],
            "todos": [{"text": text, "owner": "", "due": "", "sentences": [lines[-1][0]]}],
            "chapters": [{"text": f"议题{n}", "sentences": [n]}],
        }
    merged: dict[str, list[Any]] = {"summary": [], "decisions": [], "todos": [], "chapters": []}
    for line in body["messages"][-1]["content"].splitlines():
        if line.startswith("{"):
            for name, points in json.loads(line).items():
                merged[name] += points
    return merged


def summarise(handler: Handler, body: dict[str, Any]) -> None:
    """Answer honestly."""
    handler.say(minutes_of(body))


def saying(content: Any, *, finish: str = "stop") -> Answer:
    """Answer with this text, whatever is asked."""
    return lambda handler, _: handler.say(content, finish=finish)


def refusing(status: int, message: Any = "no", **headers: str) -> Answer:
    """Answer with an error."""
    value = message if isinstance(message, dict) else {"error": {"message": message}}
    named = {name.replace("_", "-"): said for name, said in headers.items()}
    return lambda handler, _: handler.send(status, value, headers=named)


def page(handler: Handler, _: dict[str, Any]) -> None:
    """Answer with a web page."""
    handler.send(200, "<html><script>alert(1)</script></html>", kind="text/html")


def stall(handler: Handler, _: dict[str, Any]) -> None:
    """Say nothing until the client has left or the test is over."""
    handler.connection.settimeout(0.05)
    while not handler.model.free.is_set():
        try:
            if not handler.connection.recv(1):
                handler.model.hung_up.set()
                break
        except TimeoutError:
            continue
        except OSError:
            handler.model.hung_up.set()
            break
    handler.close_connection = True


def trickle(handler: Handler, _: dict[str, Any]) -> None:
    """Begin an answer and send a byte of it now and then, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.model.free.wait(0.05):
        handler.wfile.write(b" ")


def flood(handler: Handler, _: dict[str, Any]) -> None:
    """Send 50 MB without saying so before."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    block = b"x" * 2**16
    for _ in range(800):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
    handler.wfile.write(b"0\r\n\r\n")


@contextmanager
def language_model(*script: Answer) -> Iterator[LanguageModel]:
    """A running server."""
    model = LanguageModel(list(script))
    handler = type("Bound", (Handler,), {"model": model})
    with listening(handler) as model.port:
        try:
            yield model
        finally:
            model.free.set()
