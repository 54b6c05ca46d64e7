"""Links that open a transcript without sign-in."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import accounts, jobs
from shared.db import database_now
from shared.models import ShareLink
from tests.web.sharing.conftest import Sharing
from web.authentication import job_access
from web.pages.sharing import links as link_pages


def made(sharing: Sharing, job_id: str, **wanted: Any) -> tuple[str, dict[str, Any]]:
    """The path of a new link, and what the answer says of it."""
    answer = sharing.programs["Bo"].post(f"/api/v1/jobs/{job_id}/links", json=wanted)
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    return re.sub(r"^https?://[^/]+|#.*", "", told["address"]), told


def test_whoever_has_it_reads_and_sets_no_cookie(sharing: Sharing) -> None:
    job_id = sharing.job()
    path, told = made(sharing, job_id, days=3, sentence=1, name="for the board")
    token = path.rpartition("/")[2]
    assert len(token) == 43 and told["address"].endswith(f"/s/{token}#s1")
    guest = sharing.app.test_client()
    page = guest.get(path)
    assert page.status_code == 200 and "大家好。" in page.text and 'id="s1"' in page.text
    assert "Set-Cookie" not in page.headers
    assert page.headers["X-Robots-Tag"].startswith("noindex")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "private, no-store"
    for theirs in ("Bo", job_id, "for the board", "csrf", "<audio", "/api/"):
        assert theirs not in page.text, theirs
    for sent in ("method=", "action=", "name="):  # the search is the script's alone
        assert sent not in page.text.partition("<body>")[2], sent
    assert page.text.count("<form") == 1 and 'id="overview"' in page.text
    assert guest.get(f"{path}/audio").status_code == 404
    assert guest.get(f"{path}/peaks").status_code == 404
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert guest.open(path, method=method).status_code in (303, 401, 405)
    with sharing.db.reading() as session:
        (stored,) = session.scalars(select(ShareLink))
        kept = " ".join(str(value) for value in vars(stored).values())
    assert token not in kept and stored.last_used_at is not None
    shown = sharing.programs["Bo"].get(f"/api/v1/jobs/{job_id}/sharing").get_json()
    (link,) = shown["links"]
    assert link["name"] == "for the board" and link["last_used_at"]
    assert token not in str(shown)
    assert [change["kind"] for change in shown["history"]] == ["link_made"]


def test_with_sound_it_is_heard_in_pieces(sharing: Sharing) -> None:
    path, _ = made(sharing, sharing.job(), with_sound=True)
    guest = sharing.app.test_client()
    page = guest.get(path).text
    assert f'src="{path}/audio?pieces=1"' in page and f'data-peaks="{path}/peaks"' in page
    for theirs in ("/api/", "download", 'method="post"', "csrf", "data-mark=", "Ctrl"):
        assert theirs not in page, theirs
    drawn = guest.get(f"{path}/peaks")
    assert drawn.status_code == 200 and drawn.get_json()["peaks"] == []
    assert "Set-Cookie" not in drawn.headers
    heard = guest.get(f"{path}/audio?pieces=1", headers={"Range": "bytes=0-1"})
    assert (heard.status_code, heard.data) == (206, b"so")
    assert heard.headers["Referrer-Policy"] == "no-referrer"
    # Nothing of the file's own name, which the recording may no longer have.
    assert guest.get(f"{path}/audio?download=1").headers["Content-Disposition"] == "inline"


def test_it_tells_who_speaks_and_the_chapters_and_nothing_that_is_its_owners(
    sharing: Sharing,
) -> None:
    job_id = sharing.job()
    bo, api = sharing.programs["Bo"], f"/api/v1/jobs/{job_id}"
    for revision, (n, name) in enumerate([(0, "王芳"), (1, "Left Out")]):
        edit = {"kind": "assign", "sentences": [n], "speaker": "new"}
        assert bo.post(f"{api}/speakers", json={"revision": 2 * revision, **edit}).status_code < 300
        edit = {"kind": "rename", "speaker": revision + 1, "name": name}
        made_it = bo.post(f"{api}/speakers", json={"revision": 2 * revision + 1, **edit})
        assert made_it.status_code < 300, made_it.text
    marks = [
        {"kind": "chapter", "at": 0, "text": "开场"},
        {"kind": "chapter", "at": 9999, "text": "散会"},
        {"kind": "note", "at": 0, "text": "between us"},
        {"kind": "todo", "at": 0, "text": "ask Eve", "who": "Eve"},
    ]
    told = bo.post(f"{api}/marks", json={"marks": marks}).get_json()["marks"]
    removed = bo.put(f"{api}/sentences/1", json={"text": "", "revision": 0})
    assert removed.status_code == 200, removed.text
    corrected = bo.put(f"{api}/sentences/0", json={"text": "各位好。", "revision": 0})
    assert corrected.status_code == 200, corrected.text
    path, _ = made(sharing, job_id)
    page = sharing.app.test_client().get(path).text
    assert 'data-who="1" data-speaker="王芳" class="hue-1 mark-1"' in page
    assert page.count('href="#s0" data-at="') == 2 and "散会" in page  # to what there is of it
    assert 'data-as-paragraphs="' in page and "各位好。" in page
    kept_back = ["Left Out", "between us", "ask Eve", "Eve", "corrected", "data-revision"]
    kept_back += ["/peaks", "/api/", *(mark["id"] for mark in told), "大家好"]
    assert [what for what in kept_back if what in page] == []


def test_it_ends_at_once(sharing: Sharing) -> None:
    job_id = sharing.job()
    withdrawn, told = made(sharing, job_id, with_sound=True)
    over, _ = made(sharing, job_id, days=1)
    guest = sharing.app.test_client()
    assert guest.get(over).status_code == 200
    address = f"/api/v1/jobs/{job_id}/links/{told['id']}"
    assert sharing.programs["Bo"].delete(address).status_code == 200
    with sharing.db.writing() as session:
        session.execute(update(ShareLink).values(expires_at=database_now(-1)))
    answers = [guest.get(path) for path in (withdrawn, f"{withdrawn}/audio", over)]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_it_ends_with_its_job_its_account_and_the_setting(sharing: Sharing) -> None:
    first, second = sharing.job(), sharing.job()
    (deleted, _), (kept, _) = made(sharing, first), made(sharing, second)
    assert sharing.programs["Bo"].delete(f"/api/v1/jobs/{first}").status_code == 204
    guest = sharing.app.test_client()
    assert guest.get(deleted).status_code == 404
    accounts.disable(sharing.db, sharing.people["Bo"].id)
    assert guest.get(kept).status_code == 404
    accounts.enable(sharing.db, sharing.people["Bo"].id)
    assert guest.get(kept).status_code == 200
    sharing.change_settings(share_links=False)
    assert guest.get(kept).status_code == 404
    refused = sharing.programs["Bo"].post(f"/api/v1/jobs/{second}/links", json={})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "links_off")


def test_a_recording_that_is_being_sent_breaks_off(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_pages, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(job_access, "LOOK_EVERY_S", 0.0)
    accepted = sharing.programs["Bo"].post(
        "/api/v1/jobs", data={"file": (io.BytesIO(b"s" * 400_000), "long.wav")}
    )
    job_id = accepted.get_json()["id"]
    sharing.finish()
    path, told = made(sharing, job_id, with_sound=True)
    sharing.share(job_id, "Reader", job_access.AccessLevel.READ)
    guest = sharing.app.test_client().get(f"{path}/audio", buffered=False)
    reader = sharing.programs["Reader"].get(f"/api/v1/jobs/{job_id}/audio", buffered=False)
    received = [len(next(answer.response)) for answer in (guest, reader)]
    sharing.withdraw(job_id, "Reader")
    sharing.programs["Bo"].delete(f"/api/v1/jobs/{job_id}/links/{told['id']}")
    rest = [sum(map(len, answer.response)) for answer in (guest, reader)]
    assert received == [131_072, 131_072] and rest == [0, 0]


def test_tokens_are_guessed_as_slowly_as_passwords(
    sharing: Sharing, caplog: pytest.LogCaptureFixture
) -> None:
    path, _ = made(sharing, sharing.job())
    guest = sharing.app.test_client()
    assert guest.get(path).status_code == 200
    wrong = [guest.get(f"/s/{'x' * 43}").status_code for _ in range(4)]
    assert wrong == [404, 404, 404, 429]
    locked = guest.get(path)
    assert locked.status_code == 429 and int(locked.headers["Retry-After"]) > 0
    elsewhere = sharing.app.test_client()
    assert elsewhere.get(path, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200
    assert path.rpartition("/")[2] not in caplog.text  # nor is it in the server's log


def test_what_no_link_can_be_is_refused(sharing: Sharing) -> None:
    job_id = sharing.job()
    bo = sharing.programs["Bo"]
    for wanted in ({"days": 0}, {"days": 366}, {"sentence": -1}, {"name": "x" * 101}, {"n": 1}):
        answer = bo.post(f"/api/v1/jobs/{job_id}/links", json=wanted)
        assert answer.status_code == 400, wanted
    queued = bo.post("/api/v1/jobs", data={"file": (io.BytesIO(b"sound"), "a.wav")}).get_json()
    early = bo.post(f"/api/v1/jobs/{queued['id']}/links", json={})
    assert (early.status_code, early.get_json()["error"]["code"]) == (409, "transcript_not_ready")
    assert (
        jobs.get_job(
            sharing.db, owner_id=sharing.people["Bo"].id, job_id=queued["id"]
        ).job.completed_at
        is None
    )
