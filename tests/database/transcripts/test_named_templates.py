"""Templates of reports that are kept under names, on both databases."""

from __future__ import annotations

import pytest

from shared import accounts, audit
from shared.accounts.handing_over.ownership import hand_over
from shared.audit import AuditFilter
from shared.db import Database
from shared.errors import InvalidRequest
from shared.export.reports import named_templates
from shared.export.reports.named_templates import (
    delete_template,
    give_template,
    keep_template,
    list_templates,
    read_named_template,
    take_template,
)
from shared.export.reports.refusals import (
    TemplateNameTaken,
    TemplateNotFound,
    TooManyTemplates,
)
from shared.models import NamedReportTemplate
from tests.support import factories
from tests.support.people import a_person

ANNA, BO = "anna", "bo"


def names(db: Database, owner_id: str) -> list[str]:
    return [one.name for one in list_templates(db, owner_id=owner_id)]


def content(db: Database, owner_id: str, name: str) -> bytes:
    return read_named_template(db, owner_id=owner_id, name=name).content


def test_a_template_takes_the_place_of_one_with_its_name(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_templates, "MOST_TEMPLATES", 1)
    first = keep_template(db, owner_id=ANNA, name=" 周\n会 ", content=b"\xef\xbb\xbf{{date}}\r\n")
    second = keep_template(db, owner_id=ANNA, name="周 会", content=b"{{title}}")
    assert (first.id, first.name, second.size_bytes) == (second.id, "周 会", 9)
    assert content(db, ANNA, "周 会") == b"{{title}}"
    with pytest.raises(TooManyTemplates, match="at most 1"):
        keep_template(db, owner_id=ANNA, name="two", content=b"{{title}}")
    keep_template(db, owner_id=BO, name="周 会", content=b"{{people}}")
    for wrong in ("", "a/b", "..", "x" * 81, "a\x00"):
        with pytest.raises(InvalidRequest):
            keep_template(db, owner_id=BO, name=wrong, content=b"{{title}}")
        with pytest.raises(TemplateNotFound):
            content(db, BO, wrong)
    delete_template(db, owner_id=ANNA, name="周 会")
    with pytest.raises(TemplateNotFound):
        delete_template(db, owner_id=ANNA, name="周 会")
    assert (names(db, ANNA), names(db, BO)) == ([], ["周 会"])


def test_who_is_handed_templates_keeps_their_own_under_their_names(db: Database) -> None:
    for owner_id, name in ((ANNA, "A"), (ANNA, "x" * 80), (BO, "A"), (BO, "A (2)"), (BO, "x" * 80)):
        keep_template(db, owner_id=owner_id, name=name, content=f"{owner_id} {name[0]}".encode())
    hand_over(db, from_owner=ANNA, to_owner=BO)
    assert names(db, BO) == ["A", "A (2)", "A (3)", "x" * 76 + " (2)", "x" * 80]
    assert (content(db, BO, "A"), content(db, BO, "A (3)")) == (b"bo A", b"anna A")
    assert names(db, ANNA) == []


def test_a_group_s_templates_are_stored_once_and_end_with_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo = a_person(db, "Bo").id
    sales = accounts.add_group(db, "Sales").id
    accounts.add_member(db, sales, "Bo")
    keep_template(db, owner_id=bo, name="A", content=b"{{title}}")
    give_template(db, owner_id=bo, name="A", group_id=sales)
    keep_template(db, owner_id=bo, name="A", content=b"{{date}}")
    kept = keep_template(db, owner_id=sales, name="B", content=b"{{people}}")
    assert (kept.group_id, kept.group) == (sales, "Sales")
    found = list_templates(db, owner_id=bo, with_groups=True)
    assert [(one.group, one.name) for one in found] == [(None, "A"), ("Sales", "A"), ("Sales", "B")]
    assert (names(db, bo), names(db, sales)) == (["A"], ["A", "B"])
    with pytest.raises(TemplateNameTaken):
        give_template(db, owner_id=bo, name="A", group_id=sales)
    with pytest.raises(TemplateNotFound):
        give_template(db, owner_id=bo, name="Z", group_id=sales)
    monkeypatch.setattr(named_templates, "MOST_TEMPLATES", 2)
    keep_template(db, owner_id=bo, name="C", content=b"{{date}}")
    with pytest.raises(TooManyTemplates):
        give_template(db, owner_id=bo, name="C", group_id=sales)
    with pytest.raises(TemplateNameTaken):
        take_template(db, group_id=sales, name="A", owner_id=bo)
    with pytest.raises(TooManyTemplates):
        take_template(db, group_id=sales, name="B", owner_id=bo)
    delete_template(db, owner_id=bo, name="C")
    take_template(db, group_id=sales, name="B", owner_id=bo)
    assert (names(db, bo), names(db, sales)) == (["A", "B"], ["A"])
    with pytest.raises(TemplateNotFound):
        take_template(db, group_id=sales, name="B", owner_id=ANNA)
    give_template(db, owner_id=bo, name="B", group_id=sales)
    keep_template(db, owner_id=bo, name="C", content=b"{{date}}")
    hand_over(db, from_owner=bo, to_owner=ANNA)
    assert (names(db, ANNA), names(db, sales)) == (["A", "C"], ["A", "B"])
    delete_template(db, owner_id=sales, name="B")
    accounts.delete_group(db, sales)
    assert factories.count(db, NamedReportTemplate) == 2
    with pytest.raises(TemplateNotFound):
        give_template(db, owner_id=ANNA, name="C", group_id=sales)
    entries, _ = audit.page_of(db, AuditFilter(kind="group"), most=50)
    told = [(one.act, one.detail) for one in reversed(entries) if "template" in one.act]
    assert told == [
        ("group.template_kept", {"name": "Sales", "kind": "md", "bytes": 9}),
        ("group.template_kept", {"name": "Sales", "kind": "md", "bytes": 10}),
        ("group.template_removed", {"name": "Sales"}),
        ("group.template_kept", {"name": "Sales", "kind": "md", "bytes": 10}),
        ("group.template_removed", {"name": "Sales"}),
    ]
