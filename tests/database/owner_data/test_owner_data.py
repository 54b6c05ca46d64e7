"""All that an owner has is exported, and erased, with a row in every table that has an owner."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from sqlalchemy import Boolean, DateTime, Float, Integer, LargeBinary, String, Table, select, text

from shared import accounts, audit, jobs, owner_data
from shared.accounts.errors import ErasureBegun, LastAdministrator
from shared.audit import Act, Actor, AuditFilter, Means, reading
from shared.db import Database, UtcDateTime
from shared.errors import InvalidRequest
from shared.models import (
    AuditEntry,
    Base,
    Group,
    HotwordSet,
    Revision,
    User,
    VoiceKeeping,
    Webhook,
    WebhookDelivery,
)
from shared.owner_data import ExportContents
from shared.owner_data import rows as owner_rows
from shared.owner_data.tables import OF_JOB, OF_OWNER
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage import uploads
from shared.storage.blob_store import BlobStore
from shared.storage.configured import open_blob_store
from shared.webhooks.outbox import delivery
from tests.support import factories
from tests.support.people import HERE, a_person, an_admin, enter, quick_hashes

SOUND = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return open_blob_store(Settings(data_dir=tmp_path / "data", model="demo", min_free_bytes=0))


def a_recording(db: Database, blobs: BlobStore, owner_id: str, status: JobStatus) -> str:
    with blobs.receive(max_bytes=10**6) as incoming:
        incoming.write(SOUND)
        stored = incoming.keep()
    return factories.a_job(db, status, owner_id=owner_id, blob=stored)


def _value(column: Any, number: int) -> Any:
    kind = column.type
    if isinstance(kind, UtcDateTime | DateTime):
        return datetime(2026, 1, 1, tzinfo=UTC)
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer | Float):
        return number
    if isinstance(kind, LargeBinary):
        return b"x"
    if isinstance(kind, String):
        return f"x{number}"
    return {}


CHOSEN: dict[str, dict[str, Any]] = {
    "uploads": {"id": str(uuid.uuid4()), "size_bytes": 9, "received_bytes": 0},
    "fetches": {"state": "waiting"},
    "shares": {"level": "read"},
    "replacements": {"added": 1, "removed": 2},
    "monthly_usage": {"month": "2020-01"},
    "hotword_lists": {"digest": "of the words"},
    "group_members": {"group_id": "the group"},
    "named_report_templates": {"name": "a:b", "kind": "md"},
    "tallies": {"jobs": 0, "status": "queued"},
}
"""Values that a constraint asks for."""

MADE_OTHERWISE = {"users", "sign_ins", "api_keys", "recordings", "jobs", "audit_entries", "turns"}


def fill(db: Database, owner_id: str, job_id: str, others_job_id: str) -> None:
    """Write a row of the owner's into every table that has one, also into those to come."""
    with db.writing() as session:
        session.add(VoiceKeeping(owner_id=owner_id))
        session.add(Group(id="the group", name="g", name_key="g"))
        session.add(HotwordSet(digest="of the words", size=1, words=["朗格"]))
        session.flush()
        for number, table in enumerate(Base.metadata.sorted_tables):
            held = OF_OWNER.get(table.name)
            if held is None or table.name in MADE_OTHERWISE | {"voice_keeping"}:
                continue
            session.execute(
                table.insert().values(row_of(table, owner_id, job_id, others_job_id, number))
            )


def row_of(table: Table, owner_id: str, job_id: str, others: str, number: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name == OF_OWNER[table.name].column:
            values[column.name] = owner_id
        elif column.name == "job_id":
            values[column.name] = others if table.name == "shares" else job_id
        elif not (column.nullable or column.identity or column.autoincrement is True):
            is_counted = column.primary_key and isinstance(column.type, Integer)
            if not (is_counted and len(table.primary_key) == 1):
                values[column.name] = _value(column, number)
    return values | CHOSEN.get(table.name, {})


def names_it(db: Database, owner_id: str) -> set[str]:
    """The tables with a row in which the id stands."""
    found = set()
    with db.reading() as session:
        for name, table in Base.metadata.tables.items():
            rows = session.execute(select(table)).all()
            if any(value == owner_id for row in rows for value in row):
                found.add(name)
    return found


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    audit.let_act(actor)
    try:
        yield
    finally:
        audit.let_act(audit.SERVER)


def exported(db: Database, blobs: BlobStore, owner_id: str, **wanted: Any) -> ZipFile:
    pieces = owner_data.export_of(db, blobs, owner_id=owner_id, wanted=ExportContents(**wanted))
    return ZipFile(io.BytesIO(b"".join(pieces)))


def test_all_of_it_is_exported_and_then_erased(db: Database, blobs: BlobStore) -> None:
    anna, bo = an_admin(db), a_person(db)
    with acting(Actor(Means.SESSION, anna.id, None, "192.0.2.77", "request of Anna")):
        accounts.disable(db, bo.id)
        accounts.enable(db, bo.id)
    with acting(Actor(Means.SESSION, bo.id, None, HERE)):
        enter(db, "Bo")
    accounts.make_key(db, user_id=bo.id, name="import")
    job_id = a_recording(db, blobs, bo.id, JobStatus.COMPLETED)
    annas = a_recording(db, blobs, anna.id, JobStatus.COMPLETED)
    with db.writing() as session:
        for one in (job_id, annas):
            session.add(Revision(job_id=one, sentence=0, revision=1, text="改过", editor_id=bo.id))
    fill(db, bo.id, job_id, annas)
    with db.writing() as session:
        (hook_id,) = session.scalars(select(Webhook.id))
        values = delivery(hook_id, job_id=job_id, type_="x", at=datetime.now(UTC), detail={})
        session.add(WebhookDelivery(**values))

    archive = exported(db, blobs, bo.id, formats=("srt", "docx"), with_recordings=True)
    assert archive.testzip() is None
    names = archive.namelist()
    for name, held in OF_OWNER.items():
        if held.file:
            rows = json.loads(archive.read(f"account/{held.file}.json"))
            assert rows, f"{name}: there is a row"
            assert not held.hidden & set(rows[0]), name
            assert len(names) == len(set(names))
    (folder,) = {name.split("/")[1] for name in names if name.startswith("recordings/")}
    about = json.loads(archive.read(f"recordings/{folder}/job.json"))
    assert about["revisions"][0]["text"] == "改过"
    assert set(about) == {"job_id"} | {name for name, held in OF_JOB.items() if not held.why}
    assert "改过" in archive.read(f"recordings/{folder}/transcript.srt").decode()
    assert f"recordings/{folder}/transcript.docx" in names
    (sound,) = [name for name in names if name.startswith(f"recordings/{folder}/recording")]
    assert archive.read(sound) == SOUND
    assert archive.getinfo(sound).compress_type == ZIP_STORED, "recordings are compressed already"
    assert json.loads(archive.read("account/hotwords-in-full.json")) == ["朗格"]
    [template] = [name for name in names if name.startswith("account/report-templates/")]
    assert template.startswith("account/report-templates/a-b ")
    assert archive.read(template) == b"x"
    assert json.loads(archive.read("account/names-of-groups.json")) == {"the group": "g"}
    told = b"".join(archive.read(name) for name in names if name.startswith("account/"))
    for of_another in (anna.id, "192.0.2.77", "request of Anna", "argon2"):
        assert of_another.encode() not in told, of_another
    entries = json.loads(archive.read("account/audit.json"))
    assert "account.disabled" in [entry["act"] for entry in entries], "that it was done is told"
    assert {HERE, bo.id} <= {entry[name] for entry in entries for name in ("address", "actor_id")}
    assert "T" in entries[0]["at"] and datetime.fromisoformat(entries[0]["at"]).tzinfo

    owner_data.ask(db, bo.id)
    assert owner_data.go_on(db, blobs, bo.id, within_s=60.0).nothing
    with pytest.raises(ErasureBegun):
        accounts.enable(db, bo.id)
    assert owner_data.asked_for(db) == [bo.id]
    assert owner_data.go_on(db, blobs, bo.id, within_s=60.0, settled_s=0.0).nothing
    assert names_it(db, bo.id) == {"audit_entries", "revisions"}
    assert owner_data.asked_for(db) == []
    with db.reading() as session:
        assert session.get(User, bo.id) is None
        for gone in (HotwordSet.digest, WebhookDelivery.id):
            assert session.scalars(select(gone)).all() == []
        assert session.scalars(select(Revision.job_id)).all() == [annas]
    assert [one.name for one in accounts.people(db)] == ["Anna"]
    assert exported(db, blobs, anna.id).testzip() is None
    assert len(list(blobs.recordings())) == 1, "the other's"
    newest = audit.page_of(db, AuditFilter(account_id=bo.id), most=1)[0][0]
    assert (newest.act, newest.subject_name) == ("account.erased", None)


def test_what_runs_is_cancelled_first_and_goes_once_it_has_stopped(
    db: Database, blobs: BlobStore
) -> None:
    an_admin(db)
    bo = a_person(db)
    job_id = a_recording(db, blobs, bo.id, JobStatus.PROCESSING)
    owner_data.ask(db, bo.id)
    owner_data.ask(db, bo.id)
    left = owner_data.go_on(db, blobs, bo.id, within_s=60.0, settled_s=0.0)
    assert (left.jobs, left.running) == (1, 1)
    assert factories.status_of(db, job_id, owner_id=bo.id) is JobStatus.CANCELLING
    factories.expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=3)
    assert owner_data.go_on(db, blobs, bo.id, within_s=60.0, settled_s=0.0).nothing
    assert names_it(db, bo.id) == {"audit_entries"}
    assert uploads.ids(db) == set()


def test_rows_that_cannot_be_read_end_no_page(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.writing() as session:
        for number in range(6):
            audit.record(session, Act.KEY_MADE, object_id=str(number), actor_id="bo")
        ids = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).all()
        if db.is_sqlite:  # PostgreSQL takes no time that is none
            damage = text("UPDATE audit_entries SET at = 'yesterday' WHERE id IN (:a, :b)")
            session.execute(damage, {"a": ids[2], "b": ids[3]})
    monkeypatch.setattr(owner_rows, "_PAGE", 2)
    monkeypatch.setattr(reading, "_PAGE", 2)
    held = OF_OWNER["audit_entries"]
    told = [row["object_id"] for row in owner_rows.rows_of(db, "audit_entries", held, "bo")]
    readable = ["0", "1", "4", "5"] if db.is_sqlite else list("012345")
    assert told == readable
    assert [entry.object_id for entry in audit.every_entry(db, AuditFilter())] == readable[::-1]
    newer, before = audit.page_of(db, AuditFilter(), most=3)
    older, end = audit.page_of(db, AuditFilter(), most=3, before=before)
    assert (before, end) == (ids[3], None)
    assert [entry.object_id for entry in newer + older] == readable[::-1]


def test_the_last_administrator_stays_and_an_unknown_format_is_refused(
    db: Database, blobs: BlobStore
) -> None:
    anna = an_admin(db)
    with pytest.raises(LastAdministrator):
        owner_data.ask(db, anna.id)
    with pytest.raises(InvalidRequest):
        exported(db, blobs, anna.id, formats=("exe",))
