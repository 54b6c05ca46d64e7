"""The chat API of OpenAI, as many servers speak it, each a little otherwise.

What a server refuses of a request is left out of the next: the form of the answer as a schema, then
as JSON at all; the limit of the answer goes by two names, and some models take no temperature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from shared.minutes.errors import (
    ContextTooLong,
    ModelServerBusy,
    ModelServerRefused,
    NoModelServer,
)
from shared.outbound.one_line import line_of
from shared.outbound.retry_after import retry_after_s
from shared.settings import Settings
from shared.strict_json import read_json
from worker.minutes.connection import Exchange, HttpAnswer

log = structlog.get_logger(__name__)

Message = dict[str, str]

_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|context_length_exceeded|n_ctx|prompt is too long|"
    r"(input|prompt|request|messages?)\b.{0,60}\b(too (long|large)|exceed)|"
    r"maximum.{0,40}\btokens|exceed.{0,40}\btokens|too many tokens",
    re.IGNORECASE | re.DOTALL,
)

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})

_LONGEST_SHOWN = 200

_TEMPERATURE = 0.2


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of the model."""

    text: str
    is_cut: bool
    """True if the answer ended at the limit of its length."""


class ModelServer:
    """The server of the settings. `stop_with` is told of each exchange, so that another thread can
    end it."""

    def __init__(
        self, settings: Settings, *, stop_with: Callable[[Exchange], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._stop_with = stop_with
        self._forms = ["json_schema", "json_object", "text"]
        self._limit_name = "max_tokens"
        self._temperature: float | None = _TEMPERATURE

    def ask(self, messages: list[Message], *, most_tokens: int, schema: dict[str, Any]) -> Reply:
        """Ask for one answer of at most `most_tokens`.

        Raises ModelServerUnreachable, ModelServerBusy, ModelServerRefused, NoModelServer,
        ContextTooLong, AnswerTooLarge, or Stopped.
        """
        while True:
            answer = self._exchange(
                "POST", "/chat/completions", self._body(messages, most_tokens, schema)
            )
            if answer.status == 200:
                return self._reply(answer)
            if answer.status in (400, 413, 422):
                said = self._said(answer)
                if self._adapt(said):
                    continue
                if _TOO_LONG.search(said) or answer.status == 413:
                    raise ContextTooLong
            self._refuse(answer)

    def models(self) -> list[str]:
        """The names of the models that the server lists. Raises as `ask` does."""
        answer = self._exchange("GET", "/models", None)
        if answer.status != 200:
            self._refuse(answer)
        listed = self._json(answer).get("data")
        if not isinstance(listed, list):
            raise NoModelServer
        return [one["id"] for one in listed if isinstance(one, dict) and "id" in one]

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> HttpAnswer:
        headers = {"Accept": "application/json", "User-Agent": "Longscribe"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key := self._settings.minutes_api_key.get_secret_value():
            headers["Authorization"] = f"Bearer {key}"
        exchange = Exchange(
            self._settings.minutes_url + path, timeout_s=self._settings.minutes_timeout_s
        )
        self._stop_with(exchange)
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return exchange.run(method, headers=headers, body=content)

    def _body(
        self, messages: list[Message], most_tokens: int, schema: dict[str, Any]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._settings.minutes_model,
            "messages": messages,
            "stream": False,
            self._limit_name: most_tokens,
        }
        if self._temperature is not None:
            body["temperature"] = self._temperature
        if self._forms[0] == "json_schema":
            named = {"name": "minutes", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self._forms[0] == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _adapt(self, said: str) -> bool:
        """Leave out what the server complains of; whether there is anything to leave out."""
        if "temperature" in said and self._temperature is not None:
            self._temperature = None
        elif "max_completion_tokens" in said and self._limit_name == "max_tokens":
            self._limit_name = "max_completion_tokens"
        elif len(self._forms) > 1 and re.search(
            r"response_format|json_schema|json_object|schema|grammar", said
        ):
            self._forms.pop(0)
        else:
            return False
        log.info("the server of the language model takes less", answered=said[:_LONGEST_SHOWN])
        return True

    def _reply(self, answer: HttpAnswer) -> Reply:
        choices = self._json(answer).get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise NoModelServer
        message = choices[0].get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):  # in pieces, as some servers do
            pieces = [one.get("text") for one in content if isinstance(one, dict)]
            content = "".join(piece for piece in pieces if isinstance(piece, str))
        # None: a model that only thought, or refused. What reads the answer says so.
        return Reply(
            content if isinstance(content, str) else "",
            choices[0].get("finish_reason") == "length",
        )

    def _json(self, answer: HttpAnswer) -> dict[str, Any]:
        try:
            value = read_json(answer.body)
        except ValueError:
            raise NoModelServer from None
        if not isinstance(value, dict):
            raise NoModelServer
        return value

    def _said(self, answer: HttpAnswer) -> str:
        """The server's message, which owners are shown: without the key, if it tells that back."""
        return _said(answer, self._settings.minutes_api_key.get_secret_value())

    def _refuse(self, answer: HttpAnswer) -> None:
        """Raise what an answer with an error means."""
        host, said = self._settings.minutes_host, self._said(answer)
        log.warning("the language model's server refused", status=answer.status, answered=said)
        if answer.status in _BUSY:
            raise ModelServerBusy(
                f"The language model's server {host} answered {answer.status}: {said}. What "
                "it answered before is kept.",
                retry_after_s=retry_after_s(answer.headers.get("retry-after", "")),
            )
        if 300 <= answer.status < 400:
            raise NoModelServer(
                f"The language model's server {host} answers {answer.status} and sends us "
                "elsewhere, where nothing is sent. The operator corrects LONGSCRIBE_MINUTES_URL."
            )
        raise ModelServerRefused(
            f"The language model's server {host} answered {answer.status}: {said}. The operator "
            "corrects LONGSCRIBE_MINUTES_URL, LONGSCRIBE_MINUTES_MODEL or "
            "LONGSCRIBE_MINUTES_API_KEY; then try again.",
            status=answer.status,
        )


def _said(answer: HttpAnswer, secret: str) -> str:
    """The server's message in one line, without markup and `secret`, and cut."""
    text = answer.text.replace(secret or "\0", "***")[:20_000]
    try:
        value: Any = json.loads(text)
        if isinstance(value, dict):
            value = value.get("error", value.get("detail", value.get("message", value)))
        if isinstance(value, dict):
            parts = [value.get(name) for name in ("message", "code", "param", "type")]
            value = " ".join(str(part) for part in parts if part)
        text = value if isinstance(value, str) else json.dumps(value)
    except (ValueError, RecursionError):
        pass
    text = re.sub(r"<[^>]*>", " ", text)
    return line_of(text, _LONGEST_SHOWN) or "nothing more"
