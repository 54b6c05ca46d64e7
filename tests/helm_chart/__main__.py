"""Lint and render the chart with Helm, hold what comes out against Kubernetes' schemas, and see
that values which make no sense are refused.  Exit status: 0 all well, 1 something is not.

What KEDA and Prometheus' operator define has no schema there and is rendered only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm  # type: ignore[import-not-found]
import kubernetes_validate  # type: ignore[import-not-found]
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "longscribe"
VERSIONS = ("1.27", "1.30", "1.33", "1.37")
OF_OTHERS = ("keda.sh/", "monitoring.coreos.com/")

SECRET = {"secret": {"existing": "longscribe"}}
VALUES: dict[str, dict[str, Any]] = {
    "the least": SECRET,
    "everything": {
        "secret": {
            "databaseUrl": "postgresql://longscribe:password@db/longscribe",
            "redisUrl": "redis://redis",
            "secretKey": "key",
            "minutesApiKey": "key",
        },
        "settings": {
            "LONGSCRIBE_MAX_UPLOAD_BYTES": 8589934592,
            "LONGSCRIBE_OWNER_SHARE": 0.25,
            "LONGSCRIBE_MODEL_OFFLINE": True,
            "LONGSCRIBE_MINUTES_URL": "http://model/v1",
            "LONGSCRIBE_MINUTES_MODEL": "small",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        },
        "traces": {"secret": "otlp"},
        "imagePullSecrets": [{"name": "registry"}],
        "persistence": {"data": {"storageClass": "nfs"}, "models": {"storageClass": "nfs"}},
        "web": {
            "replicas": 2,
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "web", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {}},
            "podAnnotations": {"a": "b"},
            "ingress": {
                "enabled": True,
                "className": "nginx",
                "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "0"},
                "host": "longscribe.example",
                "tlsSecret": "tls",
            },
        },
        "worker": {
            "runtimeClassName": "nvidia",
            "nodeSelector": {"gpu": "yes"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "podAnnotations": {"a": "b"},
        },
        "minutes": {"enabled": True},
        "autoscaling": {"enabled": True},
        "monitoring": {"enabled": True, "apiKeySecret": "key", "labels": {"release": "p"}},
    },
    "without a GPU": {
        **SECRET,
        "worker": {"gpu": 0},
        "persistence": {"data": {"existingClaim": "data"}, "models": {"enabled": False}},
    },
    "more workers for another model": {
        **SECRET,
        "web": {"enabled": False},
        "migrate": {"enabled": False},
        "settings": {"LONGSCRIBE_MODEL": "SenseVoiceSmall"},
        "persistence": {
            "data": {"existingClaim": "data"},
            "models": {"existingClaim": "models"},
        },
    },
}
REFUSED: dict[str, dict[str, Any]] = {
    "no secret": {},
    "what the chart decides": {**SECRET, "settings": {"LONGSCRIBE_DATA_DIR": "/elsewhere"}},
    "a secret among the settings": {**SECRET, "settings": {"LONGSCRIBE_SECRET_KEY": "key"}},
    "a token among the settings": {
        **SECRET,
        "settings": {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=token"},
    },
    "a variable of others": {**SECRET, "settings": {"PATH": "/bin"}},
    "a misspelt value": {**SECRET, "wroker": {}},
    "two GPUs for a worker": {**SECRET, "worker": {"gpu": 2}},
    "too little time to stop": {**SECRET, "worker": {"terminationGracePeriodSeconds": 30}},
    "minutes without a model": {**SECRET, "minutes": {"enabled": True}},
    "monitoring without a key": {**SECRET, "monitoring": {"enabled": True}},
}


def main() -> int:
    """Print what is wrong; whether anything is."""
    wrong = [*_lint(), *_render(), *_refuse()]
    for line in wrong:
        print(line)
    print(f"{len(VALUES)} renderings, {len(REFUSED)} refusals, {len(wrong)} faults")
    return 1 if wrong else 0


def _lint() -> Iterator[str]:
    for name, values in VALUES.items():
        told = helm.lint(str(CHART), values)
        # An icon is a matter of taste.
        for message in [*told["messages"], *(told["errors"] or [])]:
            if "icon is recommended" not in str(message):
                yield f"lint, {name}: {message}"


def _render() -> Iterator[str]:
    with helm.Chart.load(str(CHART)) as chart:
        for name, values in VALUES.items():
            chart.validate_schema(values)
            rendered = chart.render(values, name="longscribe", namespace="meetings")
            found = [
                manifest
                for path, text in rendered.items()
                if path.endswith(".yaml")
                for manifest in yaml.safe_load_all(text)
                if manifest
            ]
            if not found:
                yield f"{name}: nothing was rendered"
            for manifest in found:
                yield from (f"{name}: {fault}" for fault in _faults(manifest))


def _faults(manifest: dict[str, Any]) -> Iterator[str]:
    if manifest["apiVersion"].startswith(OF_OTHERS):
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{manifest['kind']} {manifest['metadata']['name']}, {version}: {error}"


def _refuse() -> Iterator[str]:
    with helm.Chart.load(str(CHART)) as chart:
        for name, values in REFUSED.items():
            try:
                chart.validate_schema(values)
                chart.render(values, name="longscribe", namespace="meetings")
            except helm.HelmError:
                continue
            yield f"{name} is not refused"


if __name__ == "__main__":
    sys.exit(main())
