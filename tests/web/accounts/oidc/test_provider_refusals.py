"""Providers that lie, change their keys, are out of order or never end: nobody is signed in by one,
the page says so, and the log has the reason and no token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from shared.cli.doctor.other_servers.providers import check_providers
from shared.settings import Settings
from tests.support.oidc.provider import FakeProvider, in_settings, sign_in_at, signed_in_there
from tests.support.people import signed_in
from tests.support.stack import wait_for
from tests.web.accounts.oidc.conftest import forget, make_new
from web.oidc import provider as provider_module
from web.oidc import provider_requests

LIES: dict[str, Callable[[FakeProvider], Any]] = {
    "iss": lambda told: told.lies.update(iss="https://another.example"),
    "aud": lambda told: told.lies.update(aud="another client"),
    "aud and azp": lambda told: told.lies.update(aud=["longscribe office", "b"], azp="b"),
    "no nonce": lambda told: told.lies.update(nonce=None),
    "nonce": lambda told: told.lies.update(nonce="another"),
    "expired": lambda told: told.lies.update(exp=int(time.time()) - 300),
    "no expiry": lambda told: told.lies.update(exp=None),
    "not yet": lambda told: told.lies.update(iat=int(time.time()) + 300),
    "at_hash": lambda told: told.lies.update(at_hash="AAAA"),
    "no subject": lambda told: told.lies.update(sub=None),
    "empty subject": lambda told: told.lies.update(sub=""),
    "long subject": lambda told: told.lies.update(sub="x" * 300),
    "NUL": lambda told: told.lies.update(sub="a\x00b"),
    "none": lambda told: setattr(told, "algorithm", "none"),
    "HS256": lambda told: setattr(told, "algorithm", "HS256"),
    "a key that it does not publish": lambda told: setattr(
        told, "_keys", lambda _: {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    ),
    "no keys": lambda told: setattr(told, "_keys", lambda _: {"keys": []}),
    "userinfo of another": lambda told: told.told_when_asked.update(sub="u-2"),
    "issuer in its metadata": lambda told: told.metadata.update(issuer="https://another.example"),
    "no endpoint": lambda told: told.metadata.update(token_endpoint="javascript:alert(1)"),
    "endless": lambda told: setattr(told, "padding", provider_requests.LARGEST_ANSWER),
}


def test_a_lie_signs_nobody_in(
    app: Flask, provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """All in one application: to make one takes longer than to sign in."""
    client = app.test_client()
    for lie, tell in LIES.items():
        caplog.clear()
        make_new(provider)
        forget(app)
        tell(provider)
        answer = client.get("/sign-in/office")
        if answer.status_code == 303:
            answer = client.get(signed_in_there(answer.location))
        assert answer.status_code == 502, (lie, answer.text)
        assert "cannot be believed" in answer.text and 'name="password"' in answer.text
        assert client.get("/").location.startswith("/sign-in"), lie
        (line,) = [one for one in caplog.messages if "sign-in at a provider refused" in one]
        assert "provider_not_believed" in line
        assert not [one for one in provider.sent if one in caplog.text], lie


def test_clocks_may_differ_a_little(client: FlaskClient, provider: FakeProvider) -> None:
    provider.lies = {"iat": int(time.time()) + 60, "exp": int(time.time()) - 60}
    assert sign_in_at(client).status_code == 303


def test_a_changed_key_is_asked_for_at_once(app: Flask, provider: FakeProvider) -> None:
    assert sign_in_at(app.test_client()).status_code == 303
    provider.asked.clear()
    assert sign_in_at(app.test_client()).status_code == 303
    assert "/keys" not in provider.asked  # known already
    provider.change_key()
    assert sign_in_at(app.test_client()).status_code == 303
    assert provider.asked.count("/keys") == 1


def test_an_answer_of_another_issuer_is_not_taken(
    client: FlaskClient,
    provider: FakeProvider,
) -> None:
    back = signed_in_there(client.get("/sign-in/office").location)
    mixed_up = back.partition("&iss=")[0] + "&iss=https://another.example"
    assert client.get(mixed_up).status_code == 502
    assert "/token" not in provider.asked


def test_a_refusal_of_the_provider_is_told_and_quoted_only_where_it_is_a_code(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for said in ("access_denied", "<script>"):
        begun = client.get("/sign-in/office").location
        state = begun.partition("&state=")[2].partition("&")[0]
        answer = client.get("/sign-in/office/answer", query_string={"state": state, "error": said})
        assert answer.status_code == 403 and "did not sign you in" in answer.text
        assert f">{said}" not in answer.text
    assert "access_denied" in caplog.text and "script" not in caplog.text


def test_a_provider_that_is_out_of_order_leaves_passwords_working(
    app: Flask, provider: FakeProvider
) -> None:
    provider.status = 503
    client = app.test_client()
    answer = client.get("/sign-in/office")
    assert answer.status_code == 503 and "does not answer" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    asked = len(provider.asked)
    assert client.get("/sign-in/office").status_code == 503
    assert len(provider.asked) == asked  # it is left alone for a moment
    assert signed_in(app, "Anna").get("/account").status_code == 200
    provider.status = 200
    forget(app)
    assert sign_in_at(client).status_code == 303


def test_a_silent_provider_is_waited_for_a_short_time_and_by_a_few_only(
    app: Flask,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider_requests, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(provider_module, "_WAIT_S", 0.05)
    answers = threading.Event()
    monkeypatch.setattr(provider, "_metadata", lambda _: answers.wait(60) and {})
    codes: list[int] = []

    def ask() -> None:
        codes.append(app.test_client().get("/sign-in/office").status_code)

    people = [threading.Thread(target=ask) for _ in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    # It may read later what was sent to it in that second.
    wait_for(lambda: provider.asked, what="the provider to be asked")
    answers.set()
    assert codes == [503] * 6 and len(provider.asked) <= 3


def test_the_doctor_asks_each_provider(provider: FakeProvider) -> None:
    def found(sign_in: str = "required", **changes: Any) -> list[tuple[str, str]]:
        told = in_settings(provider, **changes)
        settings = Settings(sign_in=sign_in, oidc_providers=told)  # type: ignore[arg-type]
        return [(one.level.value, one.finding) for one in check_providers(settings)]

    assert [level for level, _ in found()] == ["ok", "warning"]  # everybody gets an account
    assert found(allowed_groups=["staff"], sign_out_there=False) == [
        ("ok", "office answers and has keys; signing out stays here")
    ]
    assert [level for level, _ in found("off")] == ["warning"]
    provider.metadata = {"issuer": f"{provider.issuer}/"}
    ((level, said),) = found()
    assert level == "problem" and "issuer is not the one in the settings" in said
