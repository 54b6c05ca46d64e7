"""What the documents say of the code is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.errors import LongscribeError
from shared.settings import Settings
from tests.services import REPOSITORY

_ROW = re.compile(r"^\| `(LONGSCRIBE_[A-Z_]+)` \| (`[^`]*`|empty) \|", re.MULTILINE)


def _defaults() -> dict[str, str]:
    found = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        if isinstance(default, float) and default == int(default):
            default = int(default)
        found[f"LONGSCRIBE_{name.upper()}"] = "empty" if default == "" else f"`{default}`"
    return found


def _table(document: str) -> dict[str, str]:
    return dict(_ROW.findall((REPOSITORY / document).read_text()))


def test_every_setting_stands_in_its_document_with_its_default() -> None:
    assert _table("docs/settings.md") == _defaults()


@pytest.mark.parametrize("document", ["README.md", "README.zh.md"])
def test_the_settings_that_a_readme_names_exist_with_these_defaults(document: str) -> None:
    named = _table(document)
    assert len(named) >= 8
    assert named.items() <= _defaults().items()


@pytest.mark.parametrize("document", ["README.md", "README.zh.md", "CHANGELOG.md"])
def test_every_variable_and_link_leads_somewhere(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    known = set(_defaults()) | {"LONGSCRIBE_TEST_DATABASE_URL"}
    assert set(re.findall(r"LONGSCRIBE_[A-Z_]+", text)) <= known
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (REPOSITORY / target).exists(), target


@pytest.mark.parametrize("document", ["README.md", "README.zh.md"])
def test_both_readmes_name_the_same_files_and_commands(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    for target in re.findall(r"`make ([a-z-]+)`", text):
        assert f"\n{target}:" in (REPOSITORY / "Makefile").read_text(), target
    for path in re.findall(r"`((?:web|worker|shared|migrations|tests)/[a-z_/.]*)`", text):
        assert (REPOSITORY / path).exists(), path


def _errors(base: type[LongscribeError]) -> list[type[LongscribeError]]:
    return [base, *(found for child in base.__subclasses__() for found in _errors(child))]


def test_every_error_tells_a_person_something() -> None:
    for error in _errors(LongscribeError):
        assert len(error().message) > 10, error
        assert re.fullmatch(r"[a-z_]+", error.code), error


def test_no_module_outgrows_400_lines() -> None:
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for folder in ("shared", "web", "worker", "migrations")
        for path in (REPOSITORY / folder).rglob("*.py")
        if (lines := len(Path(path).read_text().splitlines())) > 400
    }
    assert long == {}
