"""Settings come from the environment, are checked at once, and say which one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import InvalidSettings, Settings, is_demo_model, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("LONGSCRIBE_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("BATCH_SIZE_S", "0"),
        ("BATCH_SIZE_S", "huge"),
        ("DEVICE", "gpu"),
        ("PRECISION", "half"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("MAX_ATTEMPTS", "0"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_refused_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"LONGSCRIBE_{name}", value)
    with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_{name}"):
        load_settings()


def test_a_heartbeat_longer_than_half_the_lease_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LONGSCRIBE_LEASE_S", "8")
    with pytest.raises(InvalidSettings, match="LONGSCRIBE_HEARTBEAT_S must be at most half"):
        load_settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_defaults_live_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/longscribe.db"
    assert settings.resolved_redis_url == f"redis+socket://{tmp_path}/redis/redis.sock"


def test_a_deep_data_folder_still_gives_a_socket_path_that_fits(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    socket = Settings(data_dir=deep).redis_socket
    assert len(str(socket)) <= 107
    assert socket == Settings(data_dir=deep).redis_socket
    other = tmp_path / ("e" * 120)
    other.mkdir()
    assert socket != Settings(data_dir=other).redis_socket


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d"])
def test_a_hosting_platforms_database_url_means_psycopg_3(url: str) -> None:
    assert Settings(database_url=url).database_url == "postgresql+psycopg://u:p@h/d"


def test_secrets_are_not_printed() -> None:
    text = repr(Settings(redis_url="redis://:secret@h", secret_key="secret"))  # type: ignore[arg-type]
    assert "secret@" not in text and "'secret'" not in text


def test_every_setting_says_what_it_is_for() -> None:
    undocumented = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undocumented == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "203.0.113.9", "example.org"])
def test_strangers_are_let_in_with_sign_in_only(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("LONGSCRIBE_HOST", host)
    with pytest.raises(InvalidSettings, match="Set LONGSCRIBE_SIGN_IN=required"):
        load_settings()
    monkeypatch.setenv("LONGSCRIBE_SIGN_IN", "required")
    assert load_settings().requires_sign_in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_whoever_sits_at_the_machine_needs_no_account(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("LONGSCRIBE_HOST", host)
    assert not load_settings().requires_sign_in


def test_only_the_bundled_model_is_the_demo() -> None:
    assert Settings(model="demo").uses_demo_model
    assert is_demo_model("demo")
    assert not any(is_demo_model(name) for name in (None, "demo-large", "paraformer-zh"))
    assert not Settings(model="/models/demo").uses_demo_model
