"""What is shared with a group, its members use, while they are in it."""

from __future__ import annotations

import pytest

from shared import accounts
from shared.sharing import AccessLevel, job_access, received_jobs, share_job_with_group
from tests.support import factories
from tests.support.people import form_token, signed_in
from tests.web.sharing.conftest import Sharing


@pytest.fixture
def group_id(sharing: Sharing) -> str:
    """A group of Bo and Reader."""
    made = accounts.add_group(sharing.db, "会议 group")
    for name in ("bo", "Reader"):
        accounts.add_member(sharing.db, made.id, name)
    return made.id


def test_members_find_read_and_correct_it_until_they_are_taken_out(
    sharing: Sharing, group_id: str
) -> None:
    job_id = sharing.job()
    reader, stranger = sharing.programs["Reader"], sharing.programs["Stranger"]
    path = f"/api/v1/jobs/{job_id}"
    shared = sharing.programs["Bo"].post(
        f"{path}/shares", json={"group": group_id, "access": "read"}
    )
    assert shared.status_code == 201, shared.text
    (share,) = shared.get_json()["shares"]
    assert (share["name"], share["group"], share["access"]) == ("会议 group", group_id, "read")
    (found,) = reader.get("/api/v1/shared").get_json()["jobs"]
    assert (found["id"], found["owner"], found["access"]) == (job_id, "Bo", "read")
    assert f"/jobs/{job_id}" in sharing.pages["Reader"].get("/shared").text
    assert reader.get(f"{path}/transcript").status_code == 200
    correction = {"text": "大家早上好。", "revision": 0}
    assert reader.put(f"{path}/sentences/0", json=correction).status_code == 403
    assert stranger.get(path).status_code == 404

    # The most that it is shared for counts, by name or by group.
    sharing.share(job_id, "Reader", AccessLevel.CORRECT)
    assert reader.put(f"{path}/sentences/0", json=correction).status_code == 200
    (once,) = reader.get("/api/v1/shared").get_json()["jobs"]
    assert once["access"] == "correct"
    of_group = reader.get(f"/api/v1/shared?group={group_id}").get_json()["jobs"]
    assert of_group == [once | {"shared_at": of_group[0]["shared_at"]}]
    other = accounts.add_group(sharing.db, "others").id
    accounts.add_member(sharing.db, other, "Reader")
    assert reader.get(f"/api/v1/shared?group={other}").get_json()["jobs"] == []
    assert "with this group just now" in sharing.pages["Reader"].get(f"/shared?group={other}").text
    assert f"/jobs/{job_id}" in sharing.pages["Reader"].get(f"/shared?group={group_id}").text
    assert stranger.get(f"/api/v1/shared?group={group_id}").status_code == 404
    sharing.withdraw(job_id, "Reader")
    assert reader.get("/api/v1/shared").get_json()["jobs"][0]["access"] == "read"

    accounts.remove_member(sharing.db, group_id, sharing.people["Reader"].id)
    assert reader.get(path).status_code == 404
    assert sharing.pages["Reader"].get(f"/jobs/{job_id}").status_code == 404
    assert reader.get("/api/v1/shared").get_json()["jobs"] == []
    accounts.add_member(sharing.db, group_id, "Stranger")
    assert stranger.get(path).status_code == 200
    ended = sharing.programs["Bo"].delete(f"{path}/shares/{share['id']}")
    assert ended.get_json()["shares"] == []
    assert stranger.get(path).status_code == 404


def test_one_shares_with_groups_that_one_is_in(sharing: Sharing, group_id: str) -> None:
    job_id = sharing.job()
    path = f"/api/v1/jobs/{job_id}"
    other = accounts.add_group(sharing.db, "others")
    bo = sharing.programs["Bo"]
    refused = bo.post(f"{path}/shares", json={"group": other.id, "access": "read"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (404, "group_not_found")
    assert bo.post(f"{path}/shares", json={"access": "read"}).status_code == 400
    page = sharing.pages["Bo"]
    shown = page.get(f"/jobs/{job_id}/sharing").text
    assert "会议 group" in shown and "others" not in shown
    token = form_token(page, f"/jobs/{job_id}/sharing")
    done = page.post(
        f"/jobs/{job_id}/group-shares",
        data={"csrf_token": token, "group": group_id, "access": "correct"},
        follow_redirects=True,
    )
    assert "Shared with whoever is in the group." in done.text
    assert "会议 group" in page.get(f"/jobs/{job_id}").text  # in its history
    accounts.delete_group(sharing.db, group_id)
    assert sharing.programs["Reader"].get(path).status_code == 404


def test_administrators_make_and_fill_groups_and_nobody_else_sees_them(sharing: Sharing) -> None:
    admin = signed_in(sharing.app, "Anna")
    token = form_token(admin, "/people/groups")
    admin.post("/people/groups", data={"csrf_token": token, "name": "Sales"})
    (group,) = accounts.groups(sharing.db)
    at = f"/people/groups/{group.id}"
    admin.post(f"{at}/members", data={"csrf_token": token, "name": "Bo"})
    admin.post(at, data={"csrf_token": token, "name": "Sales 二部"})
    page = admin.get("/people/groups").text
    assert "Sales 二部" in page and "Take Bo out of Sales 二部" in page
    again = admin.post("/people/groups", data={"csrf_token": token, "name": "SALES 二部"})
    assert again.status_code == 409
    bo, stranger = sharing.programs["Bo"], sharing.programs["Stranger"]
    (seen,) = bo.get("/api/v1/groups").get_json()["groups"]
    assert (seen["name"], seen["members"]) == ("Sales 二部", None)
    assert stranger.get("/api/v1/groups").get_json()["groups"] == []
    assert bo.post("/api/v1/groups", json={"name": "mine"}).status_code == 403
    assert bo.delete(f"/api/v1/groups/{group.id}").status_code == 404
    assert sharing.pages["Bo"].get("/people/groups").status_code == 403
    accounts.set_admin(sharing.db, sharing.people["Bo"].id, True)
    kept = f"/api/v1/groups/{group.id}"
    days = {"csrf_token": token, "days": "30"}
    assert "from now on" in admin.post(f"{at}/kept-days", data=days, follow_redirects=True).text
    assert admin.post(f"{at}/kept-days", data=days | {"days": "0.5"}).status_code == 400
    assert bo.patch(kept, json={"kept_days": 0}).status_code == 400
    assert bo.patch(kept, json={}).status_code == 400
    changed = bo.patch(kept, json={"kept_days": 14}).get_json()
    assert (changed["name"], changed["kept_days"]) == ("Sales 二部", 14)
    job_id = sharing.job()
    assert bo.get(f"/api/v1/jobs/{job_id}").get_json()["kept_days"] == 14
    assert "what you submit 14 days after its end" in sharing.pages["Bo"].get("/").text
    assert "A rule of a group" not in sharing.pages["Stranger"].get("/").text
    assert "A rule of a group deletes it after" in sharing.pages["Bo"].get(f"/jobs/{job_id}").text
    sharing.change_settings(retention_days=7.5)
    assert bo.get(f"/api/v1/jobs/{job_id}").get_json()["kept_days"] is None  # it goes earlier
    filled = bo.post(f"{kept}/members", json={"name": "stranger"})
    assert [one["name"] for one in filled.get_json()["members"]] == ["Bo", "Stranger"]
    left = bo.delete(f"{kept}/members/{sharing.people['Stranger'].id}")
    assert [one["name"] for one in left.get_json()["members"]] == ["Bo"]
    assert bo.delete(kept).status_code == 204
    assert accounts.groups(sharing.db) == []


def test_what_is_shared_with_many_is_listed_once_by_pages(
    sharing: Sharing, group_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.sharing.received._MOST_PARTS", 2)  # fewer than there are
    bo, reader = sharing.people["Bo"].id, sharing.people["Reader"].id
    second = accounts.add_group(sharing.db, "second")
    for name in ("Bo", "Reader"):
        accounts.add_member(sharing.db, second.id, name)
    made = [factories.submit(sharing.db, owner_id=bo) for _ in range(3)]
    for job_id in made:
        for group in (group_id, second.id):
            whose = {"owner_id": bo, "job_id": job_id, "group_id": group}
            share_job_with_group(sharing.db, **whose, level=AccessLevel.READ)
    first, cursor = received_jobs(sharing.db, person_id=reader, limit=2)
    rest, end = received_jobs(sharing.db, person_id=reader, limit=2, cursor=cursor)
    assert [one.job_id for one in (*first, *rest)] == made[::-1] and end is None
    assert received_jobs(sharing.db, person_id=bo, limit=9) == ([], None)
    assert job_access(sharing.db, person_id=reader, job_id=made[0]).level is AccessLevel.READ
