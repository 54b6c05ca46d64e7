"""The dashboard and the alerts ask for nothing that is not exported."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import migrations
from shared.jobs import Gpu
from tests.support.stack import REPOSITORY
from tests.support.web.web_app import database, make_app, submit
from worker.supervision.health import Health, Pulse
from worker.supervision.monitor import Readiness

PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
DASHBOARD = json.loads((REPOSITORY / "deploy" / "grafana" / "longscribe.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
SCALED_OBJECT = REPOSITORY / "deploy" / "helm" / "longscribe" / "templates" / "scaledobject.yaml"
FROM_PROMETHEUS = {"instance", "job"}
"""Labels that it adds to what it scrapes."""

_SELECTOR = re.compile(r"\b(longscribe_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
_BY = re.compile(r"\bby \(([^)]*)\)")


def expressions() -> dict[str, str]:
    """By where they stand."""
    found = {
        f"panel {panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    }
    found |= {f"alert {rule['alert']}": rule["expr"] for rule in RULES}
    [scaler] = re.findall(r"query: (.*)", SCALED_OBJECT.read_text())
    found["the scaler of the Helm chart"] = scaler
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            found[f"variable {variable['name']}"] = variable["definition"]
    return found


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """The labels of each sample that a web server and a worker tell, by its name."""
    folder = tmp_path_factory.mktemp("data")
    url = f"sqlite:///{folder / 'jobs.db'}"
    migrations.upgrade(url)
    app = make_app(url, folder)
    with app.test_client() as client:
        submit(client)
        told = client.get("/metrics").text
    database(app).dispose()
    worker = Health(
        "here:1",
        readiness=lambda: Readiness((), work_room_bytes=1),
        living_children=dict,
        threads={},
        pulse=Pulse(),
        gpus=lambda: (Gpu(0, "GPU-5f", "NVIDIA H200", 1, 2, 0.5, 64.0, 410.0),),
    )
    found: dict[str, list[dict[str, str]]] = {}
    for text in (told, worker.metrics().decode()):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.labels)
    return found


@pytest.mark.parametrize("place", expressions())
def test_every_metric_and_label_is_exported(
    exported: dict[str, list[dict[str, str]]], place: str
) -> None:
    expression = expressions()[place]
    names = _SELECTOR.findall(expression)
    assert names or expression.startswith("up{")
    for name, selector in names:
        assert name in exported, f"{name} is exported by nobody"
        samples = exported[name]
        known = {label for sample in samples for label in sample} | FROM_PROMETHEUS
        for label, operator, value in _LABEL.findall(selector):
            assert label in known, f"{name} has no label {label}"
            if label in FROM_PROMETHEUS or value == "5..":
                continue
            for one in value.split("|") if operator == "=~" else [value]:
                assert one in {sample[label] for sample in samples}, f'{label}="{one}" never is'
        for labels in _BY.findall(expression):
            assert {label.strip() for label in labels.split(",")} <= known
    if place.startswith("panel"):
        [legend] = [
            target["legendFormat"]
            for panel in DASHBOARD["panels"]
            for target in panel["targets"]
            if f"panel {panel['title']} {target['refId']}" == place
        ]
        grouped = {
            label.strip() for labels in _BY.findall(expression) for label in labels.split(",")
        }
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= grouped


def test_every_metric_that_a_worker_counts_is_looked_at(
    exported: dict[str, list[dict[str, str]]],
) -> None:
    asked = " ".join(expressions().values())
    counted = {name for name in exported if re.match(r"longscribe_worker_\w+_total$", name)}
    assert len(counted) >= 9
    assert [name for name in sorted(counted) if name not in asked] == []


def test_no_two_panels_lie_on_each_other_or_beyond_the_edge() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (at["x"] + column, at["y"] + row) for column in range(at["w"]) for row in range(at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_every_alert_says_what_happened_and_has_a_line_in_the_document() -> None:
    document = (REPOSITORY / "docs" / "operations.md").read_text()
    for rule in RULES:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in document, rule["alert"]
    tested = (PROMETHEUS / "alerts.test.yml").read_text()
    assert [rule["alert"] for rule in RULES if f"alertname: {rule['alert']}" not in tested] == []


def test_the_example_asks_the_ports_of_the_compose_file() -> None:
    content: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    targets = {
        target
        for job in content["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    web, worker = services["web"]["environment"], services["worker"]["environment"]
    assert targets == {
        f"web:{web['LONGSCRIBE_PORT']}",
        f"worker:{worker['LONGSCRIBE_WORKER_HEALTH_PORT']}",
    }


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing")
        pytest.skip("promtool is not installed")
    for command in (
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ):
        done = subprocess.run(
            [promtool, *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
