"""Requests at random to every route of an application, most of them with a body of JSON.

The routes come from the application itself. A seed gives the same requests again.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.support.people import form_token, signed_in
from tests.support.web.tus_client import VERSION

SPARED = {"account.sign_out", "account.sign_out_everywhere", "people.disable", "people.no_admin"}
"""Endpoints that would end the sign-in that the other requests need."""

JSON_ROUTES = (
    "jobs.submit_job",
    "corrections.correct_sentence",
    "replacements.add_replacement",
    "rules.change_rules",
    "hotwords.replace_hotword_list",
)

_TEXTS = [
    "", " ", "a", "会议.wav", "😀", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufffe", "\u202e",
    "NaN", "1e400", "-1", "0", "1", "true", "null", "2147483648", "9223372036854775808", "9" * 5000,
    "mix", "each", "{}", '{"a": "\\ud800"}', '{"a": 1e400}', '{"a":' + "[" * 300 + "]" * 300 + "}",
    '{"a": NaN}', "[" * 5000, "../../etc/passwd", "//[", "/[", "x" * 300, "%", "%00", "a,b;c=d",
    "01930000-0000-7000-8000-000000000000", "queued", "txt", "json", "bytes=0-", "'\"<script>",
]  # fmt: skip

_NUMBERS: list[Any] = [
    0, 1, -1, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 1.5, -0.0, 5e-324,
    float("inf"), float("nan"), 10**40,
]  # fmt: skip

_FIELDS = [
    "upload_id", "metadata", "priority", "tracks", "channels", "speakers", "text", "revision",
    "file", "status", "q", "limit", "cursor", "plan", "from_batch", "download", "pieces",
    "redirect", "format", "version", "hotwords", "hotword_lists", "words", "list",
    "timestamps", "line_width", "min_seconds", "preview", "show", "next", "back", "action", "job",
    "wrong", "right", "applied", "replacements", "numbers", "model", "pairs", "only", "own-q",
    "own-from", "everybody-q", "sure", "later", "name", "password", "current", "code", "admin", "",
]  # fmt: skip

_HEADERS = [
    "Idempotency-Key", "If-None-Match", "If-Range", "If-Modified-Since", "Range", "Accept",
    "Accept-Language", "Accept-Encoding", "Upload-Length", "Upload-Offset", "Upload-Metadata",
    "Upload-Checksum", "Upload-Defer-Length", "Tus-Resumable", "X-HTTP-Method-Override",
    "X-Forwarded-For", "X-Forwarded-Prefix", "Sec-Fetch-Mode", "Cookie", "Content-Encoding",
]  # fmt: skip

_KINDS = [
    "application/json", "application/json; charset=gbk", "application/problem+json", "text/plain",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=B",
    "application/offset+octet-stream", "audio/wav", "", ";", "multipart/form-data; boundary=\xff",
]  # fmt: skip


@dataclass
class RandomRequests:
    """A source of requests, and the client that sends them."""

    app: Flask
    seed: int
    jobs: list[str]
    """Ids of jobs that are there."""
    uploads: list[str]
    """Ids of complete uploads."""
    person: str | None = None
    """Person whose requests they are, where sign-in is required."""
    statuses: dict[int, int] = field(default_factory=dict)
    """Number of answers by status."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        rules = [
            rule
            for rule in self.app.url_map.iter_rules()
            if rule.methods and rule.endpoint not in SPARED
        ]
        self._rules = sorted(rules, key=lambda rule: (rule.rule, sorted(rule.methods or ())))
        self._json_rules = [rule for rule in self._rules if rule.endpoint in JSON_ROUTES]
        self._client = self._new_client()

    def _new_client(self) -> FlaskClient:
        client = signed_in(self.app, self.person) if self.person else self.app.test_client()
        client.environ_base["HTTP_X_CSRFTOKEN"] = form_token(client, "/")
        return client

    def send(self, count: int) -> Iterator[tuple[str, TestResponse]]:
        """Send so many, and yield each in words with its answer."""
        for _ in range(count):
            request = self._request()
            answer = self._client.open(**request)
            self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
            if self.person and "/sign-in" in answer.headers.get("Location", ""):
                self._client = self._new_client()
            yield repr(request), answer

    def _request(self) -> dict[str, Any]:
        is_json = self._random.random() < 0.6
        rule = self._random.choice(self._json_rules if is_json else self._rules)
        methods = sorted((rule.methods or set()) - {"OPTIONS"}) or ["OPTIONS"]
        method = self._random.choice(methods)
        if is_json:
            method = next(method for method in methods if method in ("POST", "PUT"))
        elif self._random.random() < 0.05:
            method = self._random.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
        request: dict[str, Any] = {"path": self._path(rule), "method": method}
        if self._random.random() < (0.1 if is_json else 0.6):
            request["query_string"] = self._query()
        headers = self._headers(always=rule.endpoint.startswith("uploads."))
        if is_json:
            request["data"] = self._json()
            headers["Content-Type"] = "application/json"
        elif method in ("POST", "PUT", "PATCH"):
            is_submission = rule.endpoint == "jobs.submit_job" and self._random.random() < 0.7
            body = self._submission() if is_submission else self._body()
            request["data"], headers["Content-Type"] = body
        request["headers"] = headers
        return request

    def _path(self, rule: Rule) -> str:
        path = rule.rule
        for name, converter in rule._converters.items():
            kind = type(converter).__name__
            if kind == "UUIDConverter" and self._random.random() < 0.9:
                ids = self.uploads if name == "upload_id" else self.jobs
                value = self._random.choice(ids)
            elif kind == "IntegerConverter" and self._random.random() < 0.7:
                value = str(self._random.choice([0, 0, 1, 2, 10**6, 2**31, 2**63, 10**40]))
            else:
                value = self._text()
            for written in (f"<uuid:{name}>", f"<int:{name}>", f"<path:{name}>", f"<{name}>"):
                path = path.replace(written, quote(value, safe="", errors="replace"))
        return path

    def _query(self) -> str:
        pairs = [
            f"{self._random.choice(_FIELDS)}={self._escaped(self._text())}"
            for _ in range(self._random.randint(1, 3))
        ]
        return "&".join(pairs)

    def _escaped(self, text: str) -> str:
        if self._random.random() < 0.1:
            return self._random.choice(["%ed%a0%80", "%ff", "%bb%e1", "%", "+", "%u0000"])
        return quote(text, errors="replace")

    def _headers(self, *, always: bool) -> dict[str, str]:
        headers = dict(VERSION) if always and self._random.random() < 0.8 else {}
        while self._random.random() < 0.3:
            value = self._text().encode("utf-8", "replace").decode("latin-1")
            headers[self._random.choice(_HEADERS)] = "".join(c for c in value if c not in "\r\n\0")
        return headers

    def _text(self) -> str:
        if self._random.random() < 0.75:
            return self._random.choice(_TEXTS)
        letters = string.printable + "会议\x00\x1b\x7f\u2028\ud83d\ufffe😀"
        return "".join(self._random.choices(letters, k=self._random.randint(0, 40)))

    def _value(self, depth: int = 0) -> Any:
        kind = self._random.random()
        if depth < 4 and kind < 0.15:
            return [self._value(depth + 1) for _ in range(self._random.randint(0, 3))]
        if depth < 4 and kind < 0.35:
            return {self._text(): self._value(depth + 1) for _ in range(self._random.randint(0, 3))}
        if kind < 0.6:
            return self._random.choice(_NUMBERS)
        return self._random.choice([None, True, False]) if kind < 0.7 else self._text()

    def _metadata(self) -> dict[str, Any]:
        return {self._text(): self._value() for _ in range(self._random.randint(1, 3))}

    def _submission(self) -> tuple[bytes, str]:
        """A form that may well be accepted."""
        metadata = json.dumps(self._metadata(), ensure_ascii=self._random.random() < 0.5)
        fields = f'--B\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{metadata}\r\n'
        file = '--B\r\nContent-Disposition: form-data; name="file"; filename='
        text = f'{fields}{file}"{self._text()}"\r\n\r\nsound\r\n--B--\r\n'
        encoding = self._random.choice(["utf-8", "utf-8", "gb18030", "latin-1"])
        return text.encode(encoding, "replace"), "multipart/form-data; boundary=B"

    def _json(self) -> bytes:
        """Text that is JSON, nearly or not at all."""
        body: Any = {
            "text": self._text(),
            "revision": self._random.choice([0, 0, 1, 2]),
        }
        if self._random.random() < 0.5:
            body = {"upload_id": self._random.choice(self.uploads), "metadata": self._metadata()}
        elif self._random.random() < 0.5:
            body = self._random.choice(
                [
                    {"wrong": self._text(), "right": self._text()},
                    {"words": [self._text() for _ in range(self._random.randint(0, 4))]},
                    {"words": self._text()},
                    {"applied": self._random.choice([True, False])},
                ]
            )
        while self._random.random() < 0.2:
            body[self._random.choice(_FIELDS)] = self._value()
        if self._random.random() < 0.1:
            body = self._value()
        text = json.dumps(body, ensure_ascii=self._random.random() < 0.7)
        if self._random.random() < 0.1:
            text = text.replace("1", self._random.choice(["1e400", "9" * 5000, "-", "01"]), 1)
        if self._random.random() < 0.05:
            text = '{"metadata":' + "[" * self._random.choice([65, 300, 5000, 60_000])
        encoded = text.encode(self._random.choice(["utf-8"] * 8 + ["gbk", "utf-16"]), "replace")
        if self._random.random() < 0.1:
            place = self._random.randrange(len(encoded) + 1)
            encoded = encoded[:place] + self._random.randbytes(2) + encoded[place:]
        return encoded

    def _body(self) -> tuple[bytes, str]:
        kind = self._random.choice(_KINDS)
        if self._random.random() < 0.3:
            return self._random.randbytes(self._random.choice([0, 1, 20, 300])), kind
        if self._random.random() < 0.5:
            return self._query().encode(), "application/x-www-form-urlencoded"
        parts = b"".join(self._part() for _ in range(self._random.randint(0, 4)))
        end = self._random.choice([b"--B--\r\n"] * 4 + [b"", b"--B", b"--C--"])
        return parts + end, "multipart/form-data; boundary=B"

    def _part(self) -> bytes:
        is_file = self._random.random() < 0.3
        name = "file" if is_file else self._random.choice(_FIELDS)
        header = f'Content-Disposition: form-data; name="{name}"'
        if is_file:
            header += f'; filename="{self._text()}"'
        encoding = self._random.choice(["utf-8", "utf-8", "gb18030", "latin-1"])
        text = f"--B\r\n{header}\r\n\r\n{self._text()}\r\n"
        return text.encode(encoding, "replace")
