"""What the documents say of the code is true."""

from __future__ import annotations

import ast
import re
from functools import cache
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from shared.errors import LongscribeError
from shared.export.formats import FORMATS
from shared.export.options import ExportOptions
from shared.models import Base
from shared.settings import Settings
from shared.settings.environment import FROM_FILES, file_variable
from shared.states import TRANSITIONS, AttemptOutcome, JobStatus
from shared.transcripts.recording_report import ChannelUse, RecordingWarningCode, TrackUse
from shared.transcripts.sound_selection import SoundSelection
from tests.support.stack import REPOSITORY
from web.api.schemas.recording import RecordingOut, RecordingWarningOut, TrackOut
from worker.memory.batch_memory_model import MIB, Reserve
from worker.pass_cost import USUAL_BATCH_S

_ROW = re.compile(r"^\| `(LONGSCRIBE_[A-Z0-9_]+)` \| (`[^`]*`|empty) \|", re.MULTILINE)


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


DOCUMENTS = [
    *("README.md", "README.zh.md", "CHANGELOG.md", "worker/demo_model/README.md"),
    *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")),
]


@cache
def _anchors(document: str) -> set[str]:
    """Anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", (REPOSITORY / document).read_text(), flags=re.M | re.S)
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).strip().lower()
        words = "".join(letter for letter in words if letter.isalnum() or letter in " -_")
        anchors.add(words.replace(" ", "-"))
    return anchors


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    here = REPOSITORY / document
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", here.read_text()):
        if "://" in target:
            continue
        found = (here.parent / target).resolve() if target else here
        assert found.exists(), target
        if anchor:
            assert anchor in _anchors(str(found.relative_to(REPOSITORY))), f"{target}#{anchor}"


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "README.zh.md",
        "CHANGELOG.md",
        "docs/performance.md",
        "docs/exports.md",
        "docs/protocol.md",
    ],
)
def test_every_variable_is_a_setting(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    known = set(_defaults()) | {"LONGSCRIBE_TEST_DATABASE_URL", *map(file_variable, FROM_FILES)}
    known |= {"LONGSCRIBE_SERVER", "LONGSCRIBE_API_KEY"}  # of the commands for a server elsewhere
    assert set(re.findall(r"LONGSCRIBE_[A-Z0-9_]+", text)) <= known


@pytest.mark.parametrize("document", ["README.md", "README.zh.md"])
def test_both_readmes_name_the_same_files_and_commands(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    for target in re.findall(r"`make ([a-z-]+)`", text):
        assert f"\n{target}:" in (REPOSITORY / "Makefile").read_text(), target
    for path in re.findall(r"`((?:web|worker|shared|migrations|tests)/[a-z_/.]*)`", text):
        assert (REPOSITORY / path).exists(), path


PICTURES = {"README.md": "batch-size.svg", "README.zh.md": "batch-size.zh.svg"}
"""Picture in each readme of how the batch size is chosen."""


def _picture(name: str) -> ElementTree.Element:
    return ElementTree.parse(REPOSITORY / "docs" / "images" / name).getroot()


def _drawing(name: str) -> list[tuple[str, dict[str, str]]]:
    """What is drawn, its words and their language left out."""
    return [
        (element.tag, {key: value for key, value in element.attrib.items() if key != "lang"})
        for element in _picture(name).iter()
        # Where a line begins depends on how long the word before it is.
        if element.get("class") != "flow"
    ]


@pytest.mark.parametrize("document", PICTURES)
def test_the_picture_and_the_equations_give_the_ceilings_that_the_settings_have(
    document: str,
) -> None:
    settings = Settings()
    ceilings = [
        f"{ceiling:.0f}"
        for ceiling in (
            settings.batch_ceiling_short_s,
            settings.batch_ceiling_medium_s,
            USUAL_BATCH_S,
        )
    ]
    text = (REPOSITORY / document).read_text()
    assert f"docs/images/{PICTURES[document]}" in text
    drawn = "".join(_picture(PICTURES[document]).itertext())
    assert re.findall(r"\b([1-9]\d\d) [s秒]", drawn) == ceilings
    equation = re.search(r"^(?:ceiling|时长上限) .*600.*$", text, re.MULTILINE)
    assert equation is not None
    assert re.findall(r"\b([1-9]\d\d) [s秒]", equation[0]) == ceilings
    assert f"{Reserve().floor_bytes // MIB} MiB" in text
    assert f"{settings.memory_reserve_fraction:.0%}".replace("%", " %") in text


def test_both_pictures_differ_in_nothing_but_their_words() -> None:
    english, chinese = (_drawing(name) for name in PICTURES.values())
    assert english == chinese
    assert re.search("[\u4e00-\u9fff]", "".join(_picture("batch-size.svg").itertext())) is None


def _errors(base: type[LongscribeError]) -> list[type[LongscribeError]]:
    return [base, *(found for child in base.__subclasses__() for found in _errors(child))]


def test_every_error_tells_a_person_something() -> None:
    for error in _errors(LongscribeError):
        assert len(error().message) > 10, error
        assert re.fullmatch(r"[a-z_]+", error.code), error


def test_every_test_that_holds_a_promise_is_there() -> None:
    named = re.findall(
        r"`((?:tests/[\w/]+/)?test_\w+\.py)`", (REPOSITORY / "docs/guarantees.md").read_text()
    )
    assert len(set(named)) > 10
    chaos = {path.name for path in (REPOSITORY / "tests/chaos").rglob("test_*.py")}
    there = {name: name in chaos or (REPOSITORY / name).is_file() for name in named}
    assert [name for name in sorted(there) if not there[name]] == []


@pytest.mark.parametrize(
    "document", sorted(path.name for path in (REPOSITORY / "docs").glob("*.md"))
)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    text = (REPOSITORY / "docs" / document).read_text()
    paths = re.findall(r"\b((?:web|worker|shared|migrations|tests)/[\w/]*(?:\.\w+)?)", text)
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_every_field_and_warning_of_a_recording_stands_in_its_document() -> None:
    text = (REPOSITORY / "docs/recordings.md").read_text()
    fields = {*RecordingOut.model_fields, *TrackOut.model_fields, *RecordingWarningOut.model_fields}
    names = {*fields, *SoundSelection.__dataclass_fields__, *RecordingWarningCode}
    names |= {*TrackUse, *ChannelUse}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_the_table_of_export_options_has_their_defaults() -> None:
    rows = {
        cells[0].strip("`"): cells[2:]
        for line in (REPOSITORY / "docs/exports.md").read_text().splitlines()
        if line.startswith("| `")
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }
    assert set(rows) == {*ExportOptions.__dataclass_fields__, "preview"}
    for name, shown in rows.items():
        for format_name, cell in zip(("txt", "docx", "srt", "json"), shown, strict=True):
            format_ = FORMATS[format_name]
            if name in format_.supported_options:
                default = getattr(format_.defaults, name)
                is_number = isinstance(default, int | float) and not isinstance(default, bool)
                wanted = f"{default:g}" if is_number else str(default).lower()
                assert cell == wanted, (name, format_name)
            else:
                assert cell in ("–", "always there", "false"), (name, format_name)


def test_every_function_and_state_that_the_protocol_names_exists() -> None:
    text = (REPOSITORY / "docs/protocol.md").read_text()
    defined = set()
    for root in ("shared", "web", "worker"):
        for path in (REPOSITORY / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    defined.add(node.name)
    columns = {column.name for table in Base.metadata.sorted_tables for column in table.c}
    values = {kind.value for kinds in (JobStatus, AttemptOutcome) for kind in kinds}
    words = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", text))
    assert words <= defined | columns | values, words - defined - columns - values
    assert {"claim_next", "renew", "end_attempt", "expire_leases"} <= words
    for classes in re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", text):
        assert classes in defined
    for place in re.findall(r"`((?:shared|web|worker)/[\w/.]+)`", text):
        assert (REPOSITORY / place).exists(), place


def test_the_protocols_diagram_has_the_arrows_that_jobs_follow() -> None:
    text = (REPOSITORY / "docs/protocol.md").read_text()
    states = text.partition("stateDiagram-v2")[2].partition("```")[0]
    drawn = {(a, b) for a, b in re.findall(r"^  (\w+) --> (\w+):", states, re.MULTILINE)}
    assert drawn == {(a.value, b.value) for a, to in TRANSITIONS.items() for b in to}
