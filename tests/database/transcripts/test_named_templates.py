"""Templates of reports that are kept under names, on both databases."""

from __future__ import annotations

import pytest

from shared.accounts.ownership import hand_over
from shared.db import Database
from shared.errors import InvalidRequest
from shared.export.reports import named_templates
from shared.export.reports.named_templates import (
    delete_template,
    keep_template,
    list_templates,
    read_named_template,
)
from shared.export.reports.refusals import TemplateNotFound, TooManyTemplates

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
