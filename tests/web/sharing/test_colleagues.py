"""What colleagues find, read, correct and are not told."""

from __future__ import annotations

import json
import re
import threading

from shared import accounts, jobs
from shared.annotations.edits import read_edits
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.sharing import AccessLevel
from shared.transcripts import corrections
from tests.support import factories
from tests.support.people import form_token
from tests.support.web.web_app import submit
from tests.web.sharing.conftest import Sharing


def test_it_is_found_read_and_gone_when_it_is_withdrawn(sharing: Sharing) -> None:
    job_id = sharing.job()
    reader, page = sharing.programs["Reader"], sharing.pages["Reader"]
    assert reader.get("/api/v1/shared").get_json()["jobs"] == []
    sharing.share(job_id, "Reader", AccessLevel.READ)
    (found,) = reader.get("/api/v1/shared").get_json()["jobs"]
    assert (found["id"], found["owner"], found["access"]) == (job_id, "Bo", "read")
    assert f"/jobs/{job_id}" in page.get("/shared").text
    text = page.get(f"/jobs/{job_id}").text
    assert "大家好。" in text and "Bo shares this with you: read" in text
    own = (r"<a[^>]*>Delete<", "data-rename", r'id="mark"', r'id="details"', r'id="rules"')
    assert not [pattern for pattern in own if re.search(pattern, text)]
    assert 'data-address="' not in text.split('id="sentences"')[1].split(">")[0]
    mine = {"template": "# of the reader: {{title}}"}
    assert reader.put("/api/v1/report-template", json=mine).status_code == 200
    report = reader.get(f"/api/v1/jobs/{job_id}/report?kind=md").text
    assert report.startswith("# of the reader")
    word = reader.get(f"/api/v1/jobs/{job_id}/transcript?format=docx")
    assert word.status_code == 200
    assert job_id not in reader.get("/api/v1/jobs").text  # nor does it stand among their own
    assert job_id not in page.get("/").text
    sharing.withdraw(job_id, "Reader")
    assert page.get(f"/jobs/{job_id}").status_code == 404
    assert reader.get("/api/v1/shared").get_json()["jobs"] == []


def test_a_correction_says_whose_it_is(sharing: Sharing) -> None:
    job_id = sharing.job()
    bo, corrector = sharing.people["Bo"], sharing.people["Corrector"]
    sharing.share(job_id, "Corrector", AccessLevel.CORRECT)
    sharing.share(job_id, "Reader", AccessLevel.READ)
    answer = sharing.programs["Corrector"].put(
        f"/api/v1/jobs/{job_id}/sentences/0", json={"text": "大家早上好。", "revision": 0}
    )
    assert answer.get_json()["editor"] == corrector.id
    stale = sharing.programs["Bo"].put(
        f"/api/v1/jobs/{job_id}/sentences/0", json={"text": "大家晚上好。", "revision": 0}
    )
    assert stale.status_code == 409
    found = corrections.get_sentence(sharing.db, owner_id=bo.id, job_id=job_id, n=0)
    assert (found.text, found.editor_id) == ("大家早上好。", corrector.id)
    names = sharing.programs["Corrector"].post(
        f"/api/v1/jobs/{job_id}/speakers",
        json={"revision": 0, "kind": "assign", "sentences": [0], "speaker": "new"},
    )
    assert names.get_json()["edits"][0]["editor"] == corrector.id
    for who, told in (
        ("Bo", {"Bo", "Corrector"}),
        ("Corrector", {"Bo", "Corrector"}),
        ("Reader", {"Bo", "Reader"}),  # who else has an account is not theirs to know
    ):
        page = sharing.pages[who].get(f"/jobs/{job_id}").text
        shown = re.search(r'data-people="([^"]*)"', page)
        assert shown is not None
        assert set(json.loads(shown[1].replace("&#34;", '"')).values()) == told, who


def test_telling_voices_apart_stays_with_the_owner(sharing: Sharing) -> None:
    job_id = sharing.job()
    sharing.share(job_id, "Corrector", AccessLevel.CORRECT)
    address = f"/api/v1/jobs/{job_id}/speakers"
    for change in ({"kind": "count", "wanted": "2"}, {"kind": "split", "speaker": 1}):
        answer = sharing.programs["Corrector"].post(address, json={"revision": 0, **change})
        assert answer.status_code == 403, answer.text
    assert sharing.programs["Corrector"].get(address).get_json()["can_count"] is False


def test_nobody_finds_out_who_has_an_account(sharing: Sharing) -> None:
    job_id = sharing.job()
    bo, address = sharing.programs["Bo"], f"/api/v1/jobs/{job_id}/shares"
    answers = [
        bo.post(address, json={"name": name, "access": "read"}) for name in ("Reader", "Nobody")
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    there, missing = answers[1].get_json()["shares"]
    same = {"access", "opened_at"}
    assert {key: there[key] for key in same} == {key: missing[key] for key in same}
    page = sharing.pages["Bo"].get(f"/jobs/{job_id}/sharing").text
    assert page.count("never opened") == 2
    # Nor does an account that is made later get what was meant for somebody else.
    late = accounts.add(sharing.db, name="Nobody", password="correct horse", is_temporary=False)
    key = accounts.make_key(sharing.db, user_id=late.id, name="late")
    late_program = sharing.app.test_client()
    header = {"Authorization": f"Bearer {key}"}
    assert late_program.get(f"/api/v1/jobs/{job_id}", headers=header).status_code == 404
    sharing.change_settings(share_tells_names=True)
    told = bo.post(address, json={"name": "Noone", "access": "read"})
    assert told.get_json()["error"]["code"] == "nobody_of_that_name"


def test_its_owner_sees_who_may_and_what_changed(sharing: Sharing) -> None:
    job_id = sharing.job()
    page = sharing.pages["Bo"]
    token = form_token(page, f"/jobs/{job_id}/sharing")
    for level in ("read", "correct"):
        form = {"csrf_token": token, "name": "Reader", "access": level}
        assert page.post(f"/jobs/{job_id}/shares", data=form).status_code == 303
    shown = page.get(f"/jobs/{job_id}").text
    assert "Reader (read and correct)" in shown
    history = shown.split('id="history"')[1]
    assert "Shared with Reader: read" in history
    assert "Reader may do something else now: read and correct" in history
    made = page.post(
        f"/jobs/{job_id}/links", data={"csrf_token": token, "days": "7", "name": "<board>"}
    )
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    (address,) = re.findall(r'<code class="text">([^<]+)</code>', made.text)
    assert address not in page.get(f"/jobs/{job_id}/sharing").text
    assert "&lt;board&gt;" in made.text
    own = page.post(
        f"/jobs/{job_id}/shares", data={"csrf_token": token, "name": "bo", "access": "read"}
    )
    assert own.status_code == 303 and "yours already" in page.get(own.location).text


def test_it_costs_the_colleague_nothing_and_their_events_end(sharing: Sharing) -> None:
    accepted = submit(sharing.programs["Bo"]).get_json()
    job_id = accepted["id"]
    sharing.share(job_id, "Reader", AccessLevel.READ)
    reader = sharing.programs["Reader"]
    used = [
        sharing.programs[who].get("/api/v1/me").get_json() for who in ("Reader", "Stranger", "Bo")
    ]
    assert [one["stored_bytes"]["now"] > 0 for one in used] == [False, False, True]
    sharing.change_settings(answer_within_s=600.0)
    events = reader.get(f"/api/v1/jobs/{job_id}/events", buffered=False)
    assert b'"queued"' in next(part for part in events.response if part.startswith(b"id"))
    sharing.withdraw(job_id, "Reader")
    told: list[bytes] = []
    listening = threading.Thread(target=lambda: told.extend(events.response))
    listening.start()
    listening.join(60)
    assert not listening.is_alive() and b"event: gone" in told[-1]
    claimed = factories.claim(sharing.db)
    factories.complete(sharing.db, claimed)
    assert jobs.get_job(sharing.db, owner_id=sharing.people["Bo"].id, job_id=job_id)


def test_a_corrector_marks_and_renames_and_a_reader_reads_the_minutes(sharing: Sharing) -> None:
    job_id = sharing.job()
    bo, corrector = sharing.people["Bo"], sharing.people["Corrector"]
    sharing.share(job_id, "Corrector", AccessLevel.CORRECT)
    sharing.share(job_id, "Reader", AccessLevel.READ)
    job = f"/api/v1/jobs/{job_id}"
    program = sharing.programs["Corrector"]
    assert program.patch(job, json={"title": "周会", "tags": ["产品"]}).status_code == 200
    marks = {"marks": [{"kind": "decision", "at": 1, "text": "下周发布"}]}
    assert program.post(f"{job}/marks", json=marks).status_code == 201
    edits = read_edits(sharing.db, owner_id=bo.id, job_id=job_id)
    assert [edit.editor_id for edit in edits] == [corrector.id, corrector.id]
    history = sharing.pages["Bo"].get(f"/jobs/{job_id}").text.split('id="history"')[1]
    assert history.count("<small>Corrector</small>") == 2
    shown = sharing.pages["Corrector"].get(f"/jobs/{job_id}").text
    assert 'id="mark"' in shown and "data-rename" in shown
    assert "?tag=" not in shown  # a search would look among their own
    assert program.post(f"{job}/edits/1/undo").status_code == 200
    assert sharing.programs["Bo"].get(job).get_json()["title"] != "周会"

    reader, page = sharing.programs["Reader"], sharing.pages["Reader"]
    assert 'id="minutes"' not in page.get(f"/jobs/{job_id}").text
    requests.ask(sharing.db, owner_id=bo.id, job_id=job_id, prompts={}, language="zh")
    claim = minutes_queue.claim_next(
        sharing.db, worker="w", lease_s=60, model="m", host="model.example"
    )
    assert claim is not None
    assert 'id="minutes"' not in page.get(f"/jobs/{job_id}").text  # not before they are finished
    minutes = Minutes(summary=(Point("大家问好", (0,)),))
    minutes_queue.finish(sharing.db, claim, minutes, transcript_digest="d")
    panel = page.get(f"/jobs/{job_id}").text.split('id="minutes"')[1].split('id="player"')[0]
    assert "大家问好" in panel and "<button" not in panel
    assert reader.get(f"{job}/minutes").get_json()["status"] == "completed"
    assert "大家问好" in reader.get(f"{job}/minutes/file?format=txt").text
    assert reader.delete(f"{job}/minutes").status_code == 403
