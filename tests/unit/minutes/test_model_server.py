"""The client of the language model, against a server that answers, refuses, stalls and lies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from shared.minutes.answers import answer_schema
from shared.minutes.errors import (
    AnswerTooLarge,
    ContextTooLong,
    ModelServerBusy,
    ModelServerRefused,
    ModelServerSlow,
    ModelServerUnreachable,
    NoModelServer,
)
from shared.settings import Settings
from tests.support.doubles.language_model import (
    Answer,
    LanguageModel,
    flood,
    language_model,
    page,
    refusing,
    saying,
    stall,
    trickle,
)
from tests.support.stack import hold_port
from worker.minutes.connection import Exchange, Stopped
from worker.minutes.model_server import ModelServer, Reply

HELLO = [{"role": "user", "content": "[0] 你好"}]


def settings(model: LanguageModel, **values: Any) -> Settings:
    return Settings(**{"minutes_url": model.url, "minutes_model": "small", **values})


def ask(model: LanguageModel, **values: Any) -> Reply:
    return ModelServer(settings(model, **values)).ask(
        HELLO, most_tokens=500, schema=answer_schema()
    )


def test_a_question_says_which_model_form_and_length() -> None:
    with language_model(saying("好")) as model:
        assert ask(model, minutes_api_key=SecretStr("key-1")) == Reply("好", False)
    (asked,) = model.questions
    assert (asked["path"], asked["model"]) == ("/v1/chat/completions", "small")
    assert (asked["max_tokens"], asked["stream"]) == (500, False)
    assert asked["response_format"]["json_schema"]["schema"] == answer_schema()
    assert model.headers[0]["Authorization"] == "Bearer key-1"


def test_a_key_that_a_server_repeats_is_not_shown() -> None:
    answer = refusing(401, "bad key sk-secret")
    with language_model(answer) as model, pytest.raises(ModelServerRefused) as raised:
        ask(model, minutes_api_key=SecretStr("sk-secret"))
    assert "sk-secret" not in raised.value.message and "***" in raised.value.message


def test_without_a_key_none_is_sent_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{hold_port()}")
    with language_model() as model:
        ask(model)
    assert "Authorization" not in model.headers[0]


def test_what_a_server_refuses_is_left_out_and_not_sent_again() -> None:
    with language_model(
        refusing(400, "'response_format' json_schema is not supported"),
        refusing(400, "Unsupported value: 'temperature'"),
        refusing(400, "Use 'max_completion_tokens' instead of 'max_tokens'"),
        refusing(422, "unknown field response_format"),
    ) as model:
        server = ModelServer(settings(model))
        for _ in range(2):
            server.ask(HELLO, most_tokens=500, schema=answer_schema())
    assert len(model.questions) == 6
    for asked in model.questions[-2:]:
        assert {"response_format", "temperature", "max_tokens"}.isdisjoint(asked)
        assert asked["max_completion_tokens"] == 500


def test_an_answer_that_was_cut_is_told() -> None:
    with language_model(saying('{"summary": [', finish="length")) as model:
        assert ask(model).is_cut


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refusing(401, "bad key"), ModelServerRefused, "401: bad key"),
        (refusing(403), ModelServerRefused, "403"),
        (refusing(404, "model 'small' not found"), ModelServerRefused, "not found"),
        (refusing(400, {"error": {"message": "no", "code": "context_length_exceeded"}}),
         ContextTooLong, ""),
        (refusing(400, "This model's maximum context length is 4096 tokens"), ContextTooLong, ""),
        (refusing(413), ContextTooLong, ""),
        (refusing(500, "<b>oops</b>"), ModelServerBusy, "500"),
        (refusing(302, Location="http://127.0.0.1:1/v1"), NoModelServer, "elsewhere"),
        (page, NoModelServer, "OpenAI-compatible"),
        (lambda handler, _: handler.send(200, {"choices": []}), NoModelServer, ""),
        (lambda handler, _: handler.send(200, [1]), NoModelServer, ""),
        (flood, AnswerTooLarge, ""),
    ],
)  # fmt: skip
def test_what_goes_wrong_has_an_error_of_its_own(
    answer: Answer, error: type[Exception], words: str
) -> None:
    with language_model(answer) as model, pytest.raises(error) as raised:
        ask(model)
    assert words in str(raised.value)
    assert "<" not in str(raised.value)


def test_a_key_that_the_server_tells_back_is_not_shown() -> None:
    answer = refusing(401, f"{'x' * 190} key-1234567890 is unknown")
    with language_model(answer) as model, pytest.raises(ModelServerRefused) as raised:
        ask(model, minutes_api_key=SecretStr("key-1234567890"))
    assert "key-1" not in str(raised.value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
    ],
)
def test_how_long_a_busy_server_asks_to_wait_is_told(said: str, expected: float | None) -> None:
    answer = refusing(429, "slow down", Retry_After=said)
    with language_model(answer) as model, pytest.raises(ModelServerBusy) as raised:
        ask(model)
    assert raised.value.retry_after_s == expected


@pytest.mark.parametrize("answer", [stall, trickle])
def test_an_answer_has_an_end_in_time(answer: Answer) -> None:
    with language_model(answer) as model, pytest.raises(ModelServerSlow, match="within"):
        ask(model, minutes_timeout_s=0.3)


def test_nobody_at_the_address_is_unreachable() -> None:
    nobody = Settings(minutes_url=f"http://127.0.0.1:{hold_port()}/v1", minutes_model="small")
    with pytest.raises(ModelServerUnreachable, match=r"127\.0\.0\.1"):
        ModelServer(nobody).ask(HELLO, most_tokens=5, schema={})


@pytest.mark.parametrize("before", [True, False])
def test_an_exchange_is_ended_from_another_thread(before: bool) -> None:
    def note(exchange: Exchange) -> None:
        if before:
            exchange.stop()
        else:
            stopping.append(exchange.stop)

    stopping: list[Callable[[], None]] = []
    with language_model(stall) as model:
        server = ModelServer(settings(model), stop_with=note)
        ender = threading.Thread(target=lambda: (model.asked.wait(60), stopping[0]()))
        if not before:
            ender.start()
        with pytest.raises(Stopped):
            server.ask(HELLO, most_tokens=5, schema={})
        if not before:
            ender.join()
            assert model.hung_up.wait(60), "the server is not told to stop"


def test_the_models_of_a_server_are_listed() -> None:
    with language_model() as model:
        assert ModelServer(settings(model)).models() == ["small", "other"]
