"""docker-compose.yml without Docker: its commands, its environment and its health checks, against
a real PostgreSQL and a real Redis that runs with the flags of the file.

Only what a container changes is mapped: names of hosts, ports and paths, and the GPU and its
model become the CPU and the bundled one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from shared.cli.embedded.redis_server import redis_server_binary
from shared.cli.embedded.score import character_errors
from shared.settings import Settings
from shared.settings.environment import FROM_FILES, file_variable
from tests.support.stack import REPOSITORY, Service, hold_port, start, wait_for

SAMPLE = REPOSITORY / "worker" / "demo_model" / "sample_meeting.flac"
SECRETS = {
    "POSTGRES_PASSWORD": "postgres0secret",
    "REDIS_PASSWORD": "redis0secret",
    "LONGSCRIBE_SECRET_KEY": "form0secret",
}
IN_THIS_ENVIRONMENT = {
    "celery": [sys.executable, "-m", "celery"],
    "gunicorn": [sys.executable, "-m", "gunicorn"],
    "longscribe": [sys.executable, "-m", "shared.cli"],
    "python": [sys.executable],
}
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<kind>:[?-])(?P<rest>[^}]*))?\})"
)


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """As `docker compose` does it, for the forms that the file uses."""

    def replaced(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if found := variables.get(match["name"]):
            return found
        if match["kind"] == ":-":
            return match["rest"]
        raise KeyError(f"{match['name']} is not set: {match['rest']}")

    if isinstance(value, str):
        return _VARIABLE.sub(replaced, value)
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: interpolated(item, variables) for key, item in value.items()}
    return value


def compose(variables: dict[str, str]) -> dict[str, Any]:
    """The services with `variables` in .env: those of an env_file come before `environment`."""
    content = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = interpolated(content["services"], variables)
    for service in services.values():
        if service.get("env_file"):
            assert service["env_file"] == [".env"]
            service["environment"] = variables | service.get("environment", {})
    return services


DECIDED_IN_THE_FILE = {
    "migrate": {"data_dir", "database_url", "redis_url", "sign_in"},
    "web": {"data_dir", "database_url", "redis_url", "sign_in", "host", "port"},
    "minutes": {"data_dir", "database_url", "redis_url", "sign_in"},
    "worker": {
        "data_dir", "database_url", "redis_url", "sign_in", "soft_shutdown_s", "worker_health_port",
    },
}  # fmt: skip
"""Settings that name places inside the containers, or belong to a time of the file."""


@pytest.mark.parametrize("service", DECIDED_IN_THE_FILE)
def test_every_setting_of_env_reaches_the_containers(service: str) -> None:
    told = {f"LONGSCRIBE_{name.upper()}": f"told {name}" for name in Settings.model_fields}
    told |= {file_variable(name): f"/run/secrets/{name}" for name in FROM_FILES}
    told |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    reached = compose(SECRETS | told)[service]["environment"]
    lost = {name for name, value in told.items() if reached.get(name) != value}
    assert lost == {f"LONGSCRIBE_{name.upper()}" for name in DECIDED_IN_THE_FILE[service]}


@dataclass
class Production:
    """The services of the file, as processes of this machine."""

    folder: Path
    database_url: str
    services: dict[str, Any] = field(default_factory=lambda: compose(SECRETS))
    running: list[Service] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.web_port = hold_port()
        self.redis_port = hold_port()
        self.health_port = hold_port()
        for name in ("data", "models", "redis"):
            (self.folder / name).mkdir()

    def environment(self, service: str) -> dict[str, str]:
        told: dict[str, str] = dict(self.services[service].get("environment", {}))
        mapped = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        for name, value in told.items():
            value = value.replace("@redis:6379", f"@127.0.0.1:{self.redis_port}")
            if value.startswith("/"):  # the container's volumes
                value = str(self.folder) + value
            mapped[name] = value
        if "LONGSCRIBE_DATABASE_URL" in mapped:
            mapped["LONGSCRIBE_DATABASE_URL"] = self.database_url
        if service == "web":
            mapped |= {"LONGSCRIBE_HOST": "127.0.0.1", "LONGSCRIBE_PORT": str(self.web_port)}
        if service == "worker":
            mapped |= {"LONGSCRIBE_DEVICE": "cpu", "LONGSCRIBE_MODEL": "demo"}
            mapped |= {"LONGSCRIBE_WORKER_HEALTH_PORT": str(self.health_port)}
        return mapped

    def command(self, service: str) -> list[str]:
        program, *arguments = self.services[service]["command"]
        return [*IN_THIS_ENVIRONMENT[program], *arguments]

    def run_once(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """The service's own command, or another in its container."""
        return subprocess.run(
            [*IN_THIS_ENVIRONMENT[command[0]], *command[1:]] if command else self.command(service),
            env=self.environment(service),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def start(self, service: str) -> Service:
        started = start(
            self.command(service),
            env=self.environment(service),
            log_path=self.folder / f"{service}.log",
        )
        self.running.append(started)
        return started

    def start_redis(self) -> None:
        program, *arguments = self.services["redis"]["command"]
        assert program == "redis-server"
        where = ["--port", str(self.redis_port), "--bind", "127.0.0.1"]
        self.running.append(
            start(
                [redis_server_binary(), *arguments, *where, "--dir", str(self.folder / "redis")],
                env={"PATH": os.environ["PATH"]},
                log_path=self.folder / "redis.log",
            )
        )

    def is_healthy(self, service: str) -> bool:
        kind, *test = self.services[service]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            program, _, rest = test[0].partition(" ")
            test = ["sh", "-c", " ".join([*IN_THIS_ENVIRONMENT[program], rest])]
        else:
            test = [*IN_THIS_ENVIRONMENT[test[0]], *test[1:]]
        checked = subprocess.run(
            [
                part.replace(" 8000,", f" {self.web_port},").replace(
                    " 8001,", f" {self.health_port},"
                )
                for part in test
            ],
            env=self.environment(service),
            cwd=REPOSITORY,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return checked.returncode == 0


@pytest.fixture
def database_url_of_the_role(postgresql_server: str) -> Iterator[str]:
    """An empty database that belongs to the role of the file, who is nothing more."""
    postgres = compose(SECRETS)["postgres"]["environment"]
    role, name = postgres["POSTGRES_USER"], f"{postgres['POSTGRES_DB']}_compose"
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(f"CREATE ROLE {role} LOGIN PASSWORD '{postgres['POSTGRES_PASSWORD']}'")
        )
        connection.execute(text(f"CREATE DATABASE {name} OWNER {role}"))
    url = make_url(postgresql_server).set(
        username=role, password=postgres["POSTGRES_PASSWORD"], database=name
    )
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(text(f"DROP ROLE {role}"))
    admin.dispose()


@pytest.fixture
def production(tmp_path: Path, database_url_of_the_role: str) -> Iterator[Production]:
    made = Production(tmp_path, database_url_of_the_role)
    yield made
    for service in reversed(made.running):
        service.kill_all()


def answers(url: str, of: Service) -> Callable[[], bool]:
    def asked() -> bool:
        assert of.process.poll() is None, of.log
        # A busy machine may take longer for one answer than for one try.
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(url, timeout=10).status_code == requests.codes.ok
        return False

    return asked


@pytest.mark.timeout(900)  # where other programs have the machine
def test_the_commands_of_the_file_turn_a_meeting_into_its_text(production: Production) -> None:
    production.start_redis()
    migrated = production.run_once("migrate")
    assert migrated.returncode == 0, migrated.stderr
    web, worker = production.start("web"), production.start("worker")
    url = f"http://127.0.0.1:{production.web_port}"
    wait_for(answers(f"{url}/readyz", web), seconds=180, what="the web server")
    wait_for(lambda: production.is_healthy("web"), what="the web server's health")

    assert requests.get(f"{url}/api/v1/jobs", timeout=60).status_code == requests.codes.unauthorized
    for command in (("user", "add", "anna", "--admin"), ("key", "add", "anna", "test")):
        done = production.run_once("web", "longscribe", *command)
        assert done.returncode == 0, done.stderr
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {done.stdout.strip()}"
    with SAMPLE.open("rb") as audio:
        submitted = http.post(f"{url}/api/v1/jobs", files={"file": audio}, timeout=120)
    assert submitted.status_code == requests.codes.accepted, submitted.text
    job_url = f"{url}/api/v1/jobs/{submitted.json()['id']}"

    def ended() -> str:
        assert worker.process.poll() is None, worker.log
        status: str = http.get(job_url, timeout=60).json()["status"]
        return status if status in ("completed", "failed") else ""

    status = wait_for(ended, seconds=240, what="the transcript")
    assert status == "completed", http.get(job_url, timeout=60).text
    heard = http.get(f"{job_url}/transcript", params={"format": "json"}, timeout=60).json()
    reference = json.loads(SAMPLE.with_suffix(".json").read_text(encoding="utf-8"))
    said = "".join(sentence["text"] for sentence in reference["sentences"])
    assert character_errors(said, heard["text"]).rate <= 0.02

    wait_for(lambda: production.is_healthy("worker"), what="the worker's health")
    told = f"http://127.0.0.1:{production.health_port}/metrics"
    wait_for(
        lambda: (
            'longscribe_worker_attempts_total{outcome="completed"} 1.0'
            in requests.get(told, timeout=60).text
        ),
        what="the attempt to be counted",
    )
    counted = requests.get(told, timeout=60).text
    [audio_s] = re.findall(r"^longscribe_worker_audio_seconds_total (\S+)$", counted, re.MULTILINE)
    assert float(audio_s) == pytest.approx(reference["duration"], abs=1)
    [padded_s] = re.findall(r"^longscribe_worker_padded_seconds_total (\S+)$", counted, re.M)
    assert 0 < float(padded_s) < 10 * float(audio_s)
    worker.kill(signal.SIGTERM)
    assert worker.process.wait(240) == 0, worker.log
    assert [line for line in worker.log.splitlines() if not line.startswith('{"')] == []
    assert "Warm shutdown" in worker.log
    assert not production.is_healthy("worker")


def test_redis_asks_for_the_password(production: Production) -> None:
    production.start_redis()
    with redis.Redis(port=production.redis_port) as stranger:

        def refused() -> bool:
            try:
                stranger.ping()
            except redis.AuthenticationError:
                return True
            except redis.ConnectionError:
                return False
            raise AssertionError("Redis let a stranger in")

        wait_for(refused, what="Redis")


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_a_secret_that_is_not_set_stops_the_start(secret: str) -> None:
    with pytest.raises(KeyError, match=f"{secret} is not set: set it in .env"):
        compose({name: value for name, value in SECRETS.items() if name != secret})


def test_every_setting_in_the_file_exists_and_makes_sense(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {f"LONGSCRIBE_{name.upper()}" for name in Settings.model_fields}
    for name, service in compose(SECRETS).items():
        ours = {
            key: value
            for key, value in service.get("environment", {}).items()
            if key.startswith("LONGSCRIBE_")
        }
        assert set(ours) <= known, f"{name} sets {set(ours) - known}"
        with monkeypatch.context() as environment:
            for key, value in ours.items():
                environment.setenv(key, value)
            settings = Settings()
        if ours:
            assert settings.database_url.startswith("postgresql+psycopg://longscribe:")


def test_the_web_server_of_the_file_is_never_open_to_strangers(production: Production) -> None:
    told = production.services["web"]["environment"]
    assert told["LONGSCRIBE_HOST"] == "0.0.0.0"
    assert told["LONGSCRIBE_SIGN_IN"] == "required"
    told["LONGSCRIBE_SIGN_IN"] = "off"
    environment = production.environment("web") | {"LONGSCRIBE_HOST": "0.0.0.0"}
    refused = subprocess.run(
        production.command("web"),
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "Set LONGSCRIBE_SIGN_IN=required" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_worker_told_to_stop_has_time_to_give_its_job_back() -> None:
    worker = compose(SECRETS)["worker"]
    grace = float(worker["stop_grace_period"].removesuffix("s"))
    assert grace > float(worker["environment"]["LONGSCRIBE_SOFT_SHUTDOWN_S"])
    # With it Celery would tell the child only after that time, when it is too late.
    assert "REMAP_SIGTERM" not in worker["environment"]
