"""Settings come from the environment, are checked at once, and say which one is wrong."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from kombu.utils.url import parse_url, url_to_parts
from pydantic import ValidationError
from sqlalchemy import make_url

from shared.settings import Settings, is_demo_model, load_settings
from shared.settings.environment import InvalidSettings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
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
        ("DATABASE_URL", "postgresql://host:port/x"),
        ("DATABASE_URL", "postgresql://user:pass@word@host/x"),
        ("DATABASE_URL", "postgresql://user:p@ss?word@host/x"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://host:port/0"),
        ("REDIS_URL", "redis://:pass/word@host:6379/0"),
        ("REDIS_URL", "redis://host:6379/0;host:6380"),
        ("REDIS_URL", "redis+socket://redis.sock"),
        ("HOST", "127.0.0.1:8000"),
        ("HOST", "http://127.0.0.1"),
        ("DATA_DIR", '"/srv/longscribe"'),
        ("MODEL", "\u201cdemo\u201d"),
        ("DATA_DIR", "/srv/longscribe   # of this machine alone"),
        ("S3_ENDPOINT", "https://s3.example.org\t#"),
        ("MAX_ATTEMPTS", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("MINUTES_URL", "127.0.0.1:11434"),
        ("MINUTES_URL", "ftp://models.example/v1"),
        ("MINUTES_URL", "https://models.example:99999/v1"),
        ("MINUTES_URL", "https://key@models.example/v1"),
        ("MINUTES_URL", "https://models.example/v1?key=1"),
        ("MINUTES_API_KEY", "two words"),
        ("MINUTES_WINDOW_TOKENS", "500"),
    ],
)
def test_a_bad_value_is_refused_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"LONGSCRIBE_{name}", value)
    with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_{name}"):
        load_settings()


@pytest.mark.parametrize("value", ["inf", "nan", "1e300"])
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in Settings.model_fields.items()
        if field.annotation in (int, float) or "float" in str(field.annotation)
    ],
)
def test_no_number_is_beyond_what_can_be_reckoned_with(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Added to a date or written into a database it would fail later, far from its setting."""
    if Settings.model_fields[name].annotation is int and value == "1e300":
        value = f"1{'0' * 300}"
    monkeypatch.setenv(f"LONGSCRIBE_{name.upper()}", value)
    with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_{name.upper()}: "):
        load_settings()


def test_white_space_around_a_value_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A .env file written on Windows ends each value with CR."""
    values = {"PORT": "9000\r", "SIGN_IN": "required\r", "DATA_DIR": " there\r", "MODEL": " \r"}
    for name, value in values.items():
        monkeypatch.setenv(f"LONGSCRIBE_{name}", value)
    settings = load_settings()
    assert (settings.port, settings.sign_in, settings.data_dir) == (9000, "required", Path("there"))
    assert "model" not in settings.model_fields_set


def test_quotes_and_hashes_that_belong_to_a_value_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "SECRET_KEY": '"a # b"',
        "DATA_DIR": "/srv/room #1",
        "MAIL_FROM": '"A B" <a@b.example>',
    }
    for name, value in values.items():
        monkeypatch.setenv(f"LONGSCRIBE_{name}", value)
    settings = load_settings()
    assert settings.secret_key.get_secret_value() == values["SECRET_KEY"]
    assert settings.data_dir == Path(values["DATA_DIR"])
    assert settings.mail_from == values["MAIL_FROM"]


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_may_stand_in_brackets(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("LONGSCRIBE_HOST", host)
    monkeypatch.setenv("LONGSCRIBE_WORKER_HEALTH_HOST", host)
    settings = load_settings()
    assert (settings.host, settings.worker_health_host) == ("::1", "::1")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("rediss://a:1/0", {"ssl_cert_reqs": ssl.CERT_REQUIRED}),
        (
            "rediss://a:1/0?ssl_ca_certs=/ca.pem",
            {"ssl_ca_certs": "/ca.pem", "ssl_cert_reqs": ssl.CERT_REQUIRED},
        ),
        ("rediss://a:1/0?ssl_cert_reqs=none", {"ssl_cert_reqs": ssl.CERT_NONE}),
        ("redis://a:1/0", None),
    ],
)
def test_the_certificate_of_a_redis_is_checked_unless_that_is_switched_off(
    url: str, options: dict[str, object] | None
) -> None:
    settings = Settings(redis_url=f"redis://b:2/0;{url}")  # type: ignore[arg-type]
    _, connected = settings.resolved_redis_url.split(";")
    assert parse_url(connected).get("ssl") == options


def test_no_complaint_about_an_address_tells_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, scheme in (("DATABASE_URL", "postgresql"), ("REDIS_URL", "redis")):
        monkeypatch.setenv(f"LONGSCRIBE_{name}", f"{scheme}://user:s3cret@host:port/0")
    with pytest.raises(InvalidSettings, match="%40") as refused:
        load_settings()
    assert "s3cret" not in refused.value.message and "user" not in refused.value.message


@pytest.mark.parametrize(
    "addresses",
    [
        {"database_url": "postgresql://u:gehe@im@127.0.0.1:no/x"},
        {"redis_url": "redis://:gehe/im@127.0.0.1:1/0"},
        {"redis_url": "redis://:geheim@127.0.0.1:port/0"},
    ],
)
def test_not_even_a_traceback_tells_the_password(addresses: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**addresses)  # type: ignore[arg-type]
    assert "gehe" not in str(refused.value)


def test_a_heartbeat_longer_than_half_the_lease_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LONGSCRIBE_LEASE_S", "8")
    with pytest.raises(InvalidSettings, match="LONGSCRIBE_HEARTBEAT_S must be at most half"):
        load_settings()


def test_who_writes_minutes_is_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_settings().writes_minutes
    monkeypatch.setenv("LONGSCRIBE_MINUTES_URL", "https://models.example:8443/v1/")
    with pytest.raises(InvalidSettings, match="LONGSCRIBE_MINUTES_MODEL"):
        load_settings()
    monkeypatch.setenv("LONGSCRIBE_MINUTES_MODEL", "small")
    settings = load_settings()
    assert settings.writes_minutes and settings.minutes_host == "models.example:8443"
    assert settings.minutes_url == "https://models.example:8443/v1"
    # Both are kept with what they wrote, in columns of 255 characters.
    for name, value in (("MODEL", "m" * 256), ("URL", f"https://{'h' * 256}/v1")):
        with monkeypatch.context() as longer:
            longer.setenv(f"LONGSCRIBE_MINUTES_{name}", value)
            with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_MINUTES_{name}"):
                load_settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_defaults_live_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/longscribe.db"
    assert settings.resolved_redis_url == f"redis+socket://{tmp_path}/redis/redis.sock"


@pytest.mark.parametrize("name", ["a?b", "50%20", "#1", "a b", "会议 📁", "a@b:c;d"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """None of its characters counts as a part of the addresses that name what is in it."""
    (tmp_path / name).mkdir()  # which decides about a socket elsewhere if its path is too long
    settings = Settings(data_dir=tmp_path / name)
    assert make_url(settings.resolved_database_url).database == f"{tmp_path}/{name}/longscribe.db"
    socket = url_to_parts(settings.resolved_redis_url).path
    assert f"/{socket}" == str(settings.redis_socket)


def test_a_data_folder_below_home_is_found_without_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LONGSCRIBE_DATA_DIR", "~/recordings")
    assert load_settings().data_dir == tmp_path / "recordings"
    for name in ("~nobody-here/recordings", os.fsdecode(b"/srv/\xbb\xe1")):
        monkeypatch.setenv("LONGSCRIBE_DATA_DIR", name)
        with pytest.raises(InvalidSettings, match=r"LONGSCRIBE_DATA_DIR: (begins|must lie)"):
            load_settings()


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


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("LONGSCRIBE_PROT", "LONGSCRIBE_PORT"),
        ("LONGSCRIBE_RETENTION_DAY", "LONGSCRIBE_RETENTION_DAYS"),
        ("longscribe_log_levle", "LONGSCRIBE_LOG_LEVEL"),
        ("LONGSCRIBE_SECRET_KEYFILE", "LONGSCRIBE_SECRET_KEY_FILE"),
    ],
)
def test_a_name_that_is_no_setting_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, wrong: str, meant: str
) -> None:
    monkeypatch.setenv(wrong, "1")
    with pytest.raises(InvalidSettings, match=f"{wrong} is no setting; do you mean {meant}"):
        load_settings()


def test_a_foreign_variable_stays_under_the_name_that_the_error_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LONGSCRIBE_BACKUP_BUCKET", "b")
    with pytest.raises(InvalidSettings, match="left alone if its name begins with LONGSCRIBE_X_"):
        load_settings()
    monkeypatch.delenv("LONGSCRIBE_BACKUP_BUCKET")
    for name in ("X_BACKUP_BUCKET", "PUBLISH", "SERVER", "API_KEY", "TEST_DATABASE_URL"):
        monkeypatch.setenv(f"LONGSCRIBE_{name}", "b")
    load_settings()


@pytest.mark.parametrize("wrong", ["SERVERS", "API_KEYS", "PUBLISHED"])
def test_a_name_that_begins_like_one_of_others_is_refused(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv(f"LONGSCRIBE_{wrong}", "1")
    with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_{wrong} is no setting"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LONGSCRIBE_PORT", "tcp://10.96.0.7:8000"),
        ("LONGSCRIBE_WEB_PORT", "tcp://10.96.0.7:8000"),
        ("LONGSCRIBE_SERVICE_HOST", "10.96.0.7"),
        ("LONGSCRIBE_WEB_SERVICE_PORT_HTTP", "8000"),
        ("LONGSCRIBE_PORT_8000_TCP_ADDR", "10.96.0.7"),
    ],
)
def test_what_kubernetes_sets_for_a_service_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"{name} is .*enableServiceLinks: false"):
        load_settings()


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSCRIBE_XYZZY", "1")
    monkeypatch.setenv("LONGSCRIBE_LEASE_S", "soon")
    with pytest.raises(InvalidSettings, match=r"XYZZY is no setting; docs.*LONGSCRIBE_LEASE_S: "):
        load_settings()


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSCRIBE_LOG_LEVEL", "")
    monkeypatch.setenv("LONGSCRIBE_WORKER_CONCURRENCY", "")
    assert load_settings() == Settings()


class TestSecretFiles:
    def test_a_secret_may_stand_in_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        secrets = {
            "SECRET_KEY": "form0secret",
            "REDIS_URL": "redis://:secret@redis:6379/0",
            "DATABASE_URL": "postgresql://u:p@h/d",
            "MINUTES_API_KEY": "key1",
        }
        for name, value in secrets.items():
            (tmp_path / name).write_text(f"{value}\n")
            monkeypatch.setenv(f"LONGSCRIBE_{name}_FILE", str(tmp_path / name))
        settings = load_settings()
        assert settings.secret_key.get_secret_value() == secrets["SECRET_KEY"]
        assert settings.resolved_redis_url == secrets["REDIS_URL"]
        assert settings.database_url == "postgresql+psycopg://u:p@h/d"
        assert settings.minutes_api_key.get_secret_value() == "key1"

    def test_one_secret_in_two_places_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_SECRET_KEY_FILE", str(tmp_path / "key"))
        monkeypatch.setenv("LONGSCRIBE_SECRET_KEY", "another")
        with pytest.raises(InvalidSettings, match="are both set") as caught:
            load_settings()
        assert "another" not in caught.value.message

    @pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
    def test_a_file_without_a_secret_is_refused_by_name(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
    ) -> None:
        path = tmp_path / "key"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("LONGSCRIBE_SECRET_KEY_FILE", str(path))
        with pytest.raises(InvalidSettings, match=f"LONGSCRIBE_SECRET_KEY_FILE: {path}"):
            load_settings()
