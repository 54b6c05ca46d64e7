"""Groups that a provider tells: who is in ours, and what is shared with them, follows at a
sign-in."""

from __future__ import annotations

import pytest

from shared import accounts, audit
from shared.audit import AuditFilter
from shared.db import Database
from shared.sharing import AccessLevel, share_job_with_group
from tests.support import factories
from tests.support.oidc.provider import FakeProvider, sign_in_at
from tests.support.people import signed_in
from tests.web.accounts.oidc.conftest import MakeOffice


def test_who_loses_a_group_there_loses_what_is_shared_with_it_at_once(
    make_office: MakeOffice,
    rows: Database,
    provider: FakeProvider,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = make_office(groups={"sales-dept": "Sales", "law": "Legal"}, all_groups=True)
    anna = accounts.person_named(rows, "Anna").id
    legal = accounts.add_group(rows, "LEGAL")
    by_hand = accounts.add_group(rows, "Board")
    provider.person |= {
        "preferred_username": "Bo",
        "groups": ["sales-dept", "Board", "Choir", "legal"],
    }
    assert sign_in_at(client := app.test_client()).status_code == 303
    bo = accounts.person_named(rows, "Bo").id
    assert [one.name for one in accounts.groups_of(rows, bo)] == ["Choir", "Sales"]
    assert "Board" in capsys.readouterr().err  # nobody comes into it by naming it

    (sales,) = [one for one in accounts.groups_of(rows, bo) if one.name == "Sales"]
    job_id = factories.submit(rows, owner_id=anna)
    share_job_with_group(
        rows, owner_id=anna, job_id=job_id, group_id=sales.id, level=AccessLevel.READ
    )
    assert client.get(f"/jobs/{job_id}").status_code == 200
    for group in (legal, by_hand):
        accounts.add_member(rows, group.id, "Bo")
    page = signed_in(app, "Anna").get("/people/groups").text
    assert "by Office" in page and "at their next sign-in there" in page

    provider.person["groups"] = ["law", "Board"]
    assert sign_in_at(app.test_client()).status_code == 303
    assert [one.name for one in accounts.groups_of(rows, bo)] == ["Board", "LEGAL"]
    assert client.get(f"/jobs/{job_id}").status_code == 404  # where they were signed in before
    told = audit.page_of(rows, AuditFilter(kind="group"), most=2)[0]
    assert {(one.act, one.detail["name"]) for one in told} == {
        ("group.member_removed", "Choir"),
        ("group.member_removed", "Sales"),
    }
    assert {(one.subject_id, one.detail["provider"]) for one in told} == {(bo, provider.issuer)}
