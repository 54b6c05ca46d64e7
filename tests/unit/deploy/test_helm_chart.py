"""The Helm chart fits the rest, as far as that can be told without Helm, which `make helm-chart`
has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from shared.settings import Settings
from shared.settings.environment import FROM_FILES, file_variable
from tests.support.stack import REPOSITORY

CHART = REPOSITORY / "deploy" / "helm" / "longscribe"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
ALL = "\n".join(TEMPLATES.values())
WORKLOADS = ("migrate.yaml", "web.yaml", "worker.yaml", "minutes.yaml")
SERVICES = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]


def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all values, those of empty mappings too."""
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


def decided() -> dict[str, str]:
    """The variables that the chart decides."""
    [block] = re.findall(r'define "longscribe.decided" -}}\n(.*?)\{\{', ALL, re.DOTALL)
    found: dict[str, str] = yaml.safe_load(block)
    return found


def test_the_default_values_fit_their_schema_and_another_name_does_not() -> None:
    jsonschema.validate(VALUES, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(VALUES | {"wroker": {}}, SCHEMA)


def test_a_template_asks_for_no_value_that_there_is_not() -> None:
    known = set(leaves(VALUES))
    groups = {path[: place.start()] for path in known for place in re.finditer(r"\.", path)}
    asked = set(re.findall(r"\.Values\.([A-Za-z0-9.]+)", ALL))
    assert [path for path in sorted(asked) if path not in known | groups | set(VALUES)] == []


def test_every_value_is_asked_for() -> None:
    asked = set(re.findall(r"\.Values\.([A-Za-z0-9.]+)", ALL))
    # Each volume is looked at in a loop, and each image by a helper.
    asked |= {f"persistence.{one}.{name}" for one in ("data", "models") for name in
              re.findall(r"\$volume\.(\w+)", TEMPLATES["volumes.yaml"])}  # fmt: skip
    asked |= {f"{one}.image.{name}" for one in ("web", "worker") for name in ("repository", "tag")}
    unused = [
        leaf
        for leaf in leaves(VALUES)
        if not any(leaf == path or leaf.startswith(f"{path}.") for path in asked - set(VALUES))
        and leaf not in asked
    ]
    assert unused == []


def test_every_variable_is_a_setting() -> None:
    known = {f"LONGSCRIBE_{name.upper()}" for name in Settings.model_fields}
    known |= {*map(file_variable, FROM_FILES)}
    named = set(re.findall(r"\bLONGSCRIBE_\w+", ALL + (CHART / "values.yaml").read_text()))
    # What Kubernetes would set is named where it is switched off.
    assert named <= known, named - known
    for name in FROM_FILES:
        assert file_variable(name) in ALL


def test_the_chart_decides_what_makes_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {name: value for name, value in decided().items() if not name.endswith("_FILE")}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.requires_sign_in
    grace = VALUES["worker"]["terminationGracePeriodSeconds"]
    assert grace > settings.soft_shutdown_s
    lowest = SCHEMA["properties"]["worker"]["properties"]["terminationGracePeriodSeconds"]
    assert lowest["minimum"] > settings.soft_shutdown_s
    ports = {"web.yaml": settings.port, "worker.yaml": settings.worker_health_port}
    for template, port in ports.items():
        assert f"containerPort: {port}}}" in TEMPLATES[template]
        assert "path: /healthz" in TEMPLATES[template]
        assert "path: /readyz" in TEMPLATES[template]


@pytest.mark.parametrize("name", ["migrate", "web", "worker", "minutes"])
def test_the_commands_are_those_of_compose(name: str) -> None:
    commands = re.findall(r"^ {10}command: (\[.*\])$", TEMPLATES[f"{name}.yaml"], re.MULTILINE)
    assert [yaml.safe_load(command) for command in commands] == [SERVICES[name]["command"]]


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_is_confined_and_gets_no_variables_of_services(name: str) -> None:
    template = TEMPLATES[name]
    assert template.count('include "longscribe.pod"') == 1
    assert template.count('include "longscribe.confined"') == 1
    [pod] = re.findall(r'define "longscribe.pod" -}}(.*?)\{\{- end -}}', ALL, re.DOTALL)
    for line in ("enableServiceLinks: false", "automountServiceAccountToken: false",
                 "runAsNonRoot: true"):  # fmt: skip
        assert line in pod
    assert ('include "longscribe.wait"' in template) is (name != "migrate.yaml")


def test_every_helper_is_there_and_used() -> None:
    defined = set(re.findall(r'define "([\w.]+)"', ALL))
    assert defined == set(re.findall(r'include "([\w.]+)"', ALL))


def test_the_chart_and_the_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = re.search(r'^version = "(.*)"$', (REPOSITORY / "pyproject.toml").read_text(), re.M)
    assert package is not None
    assert chart["appVersion"] == package[1]
