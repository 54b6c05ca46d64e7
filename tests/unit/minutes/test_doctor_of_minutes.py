"""What the doctor says of a language model's server."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from shared.cli.doctor.finding import Finding, Level
from shared.cli.doctor.other_servers.minutes import check_minutes
from shared.settings import Settings
from tests.support.doubles.language_model import language_model
from tests.support.stack import hold_port


def found(url: str, model: str = "small", **values: Any) -> list[Finding]:
    return check_minutes(Settings(minutes_url=url, minutes_model=model, **values))


def test_without_an_address_nothing_is_sent() -> None:
    (off,) = check_minutes(Settings())
    assert off.level is Level.OK and "nothing is sent" in off.finding


def test_a_server_with_the_model_is_fine_and_one_without_it_is_not() -> None:
    with language_model() as model:
        (fine,) = found(model.url)
        (wrong,) = found(model.url, "large")
        (elsewhere,) = found(model.url.replace("/v1", "/v2"))
        assert model.questions == [], "a doctor asks no question"
    assert fine.level is Level.OK and "has small" in fine.finding
    assert wrong.level is Level.PROBLEM and "small, other" in wrong.finding
    assert elsewhere.level is Level.WARNING


def test_nobody_there_is_a_problem() -> None:
    (gone,) = found(f"http://127.0.0.1:{hold_port()}/v1")
    assert gone.level is Level.PROBLEM and "LONGSCRIBE_MINUTES_URL" in gone.finding


@pytest.mark.parametrize(
    ("key", "said"), [("", "transcripts go"), ("k", "transcripts and the key")]
)
def test_what_travels_unencrypted_is_told(key: str, said: str) -> None:
    first, *_ = found("http://0.0.0.0.invalid:1/v1", minutes_api_key=SecretStr(key))
    assert first.level is Level.WARNING and said in first.finding
