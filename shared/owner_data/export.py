"""Export of an owner's data as one zip file, made while it is read: one recording's rows, or a
piece of its sound, is held at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import select

from shared import audit, jobs
from shared.audit import Act
from shared.db import Database
from shared.errors import InvalidRequest, LongscribeError
from shared.export.archive import Member, Packed, zip_pieces
from shared.export.formats import FORMATS
from shared.export.reports.named_templates import list_templates, read_named_template
from shared.export.reports.refusals import TemplateNotFound
from shared.models import Group, GroupMember, HotwordList, HotwordSet, Job, Recording
from shared.owner_data.provenance import provenance_of
from shared.owner_data.readme import README
from shared.owner_data.rows import Row, json_pieces, json_text, rows_of
from shared.owner_data.tables import OF_JOB, OF_OWNER
from shared.storage.blob_store import BlobStore
from shared.transcripts.values import Version

_PIECE = 1 << 20
_PAGE = 200
_LONGEST_FOLDER = 60
_REFUSED = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@dataclass(frozen=True, slots=True)
class ExportContents:
    """Contents of an export beside the rows."""

    formats: tuple[str, ...] = ("json", "txt")
    """Formats of transcripts."""
    with_recordings: bool = False
    """True if the recordings, as they were submitted, are in the export."""


def export_of(
    db: Database, blobs: BlobStore, *, owner_id: str, wanted: ExportContents
) -> Iterator[bytes]:
    """The zip file in pieces; that it is made is recorded before the first. Raises InvalidRequest
    for a format that there is not."""
    for name in wanted.formats:
        if name not in FORMATS:
            raise InvalidRequest(
                f"There is no format '{name[:20]}'. Choose of {', '.join(FORMATS)}.",
                param="formats",
            )
    with db.writing() as session:
        audit.record(
            session,
            Act.DATA_EXPORTED,
            object_id=owner_id,
            subject_id=owner_id,
            with_recordings=wanted.with_recordings,
        )
    return zip_pieces(_members(db, blobs, owner_id, wanted))


def _members(
    db: Database, blobs: BlobStore, owner_id: str, wanted: ExportContents
) -> Iterator[Member]:
    yield "README.txt", README.encode("utf-8-sig"), None
    for name, held in OF_OWNER.items():
        if held.file:
            rows = rows_of(db, name, held, owner_id)
            yield f"account/{held.file}.json", json_pieces(rows), None
    yield "account/hotwords-in-full.json", json_text(_hotwords(db, owner_id)), None
    yield "account/names-of-groups.json", json_text(_names_of_groups(db, owner_id)), None
    yield from _templates(db, owner_id)
    for job_id in _job_ids(db, owner_id):
        yield from _of_job(db, blobs, owner_id, job_id, wanted)


def _hotwords(db: Database, owner_id: str) -> list[Any]:
    """The words of the owner's list, of which the list's row has the digest only."""
    of_list = select(HotwordSet.words).join(HotwordList, HotwordList.digest == HotwordSet.digest)
    with db.reading() as session:
        return session.scalar(of_list.where(HotwordList.owner_id == owner_id)) or []


def _names_of_groups(db: Database, owner_id: str) -> dict[str, str]:
    """The name of each group that the owner is in, by its id."""
    of_groups = select(Group.id, Group.name).join(GroupMember, GroupMember.group_id == Group.id)
    with db.reading() as session:
        rows = session.execute(of_groups.where(GroupMember.user_id == owner_id)).all()
    return {row.id: row.name for row in rows}


def _templates(db: Database, owner_id: str) -> Iterator[Member]:
    """The files of the owner's templates of reports, of which the rows have the names only."""
    for one in list_templates(db, owner_id=owner_id):
        try:
            content = read_named_template(db, owner_id=owner_id, name=one.name).content
        except TemplateNotFound:  # deleted meanwhile
            continue
        name = f"{_REFUSED.sub('-', one.name)} {one.id}.{one.kind.value}"
        yield f"account/report-templates/{name}", content, one.at


def _job_ids(db: Database, owner_id: str) -> Iterator[str]:
    """The jobs of an owner, oldest first, some at a time."""
    after = ""
    while True:
        with db.reading() as session:
            page: Sequence[str] = session.scalars(
                select(Job.id)
                .where(Job.owner_id == owner_id, Job.id > after)
                .order_by(Job.id)
                .limit(_PAGE)
            ).all()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]


def _of_job(
    db: Database, blobs: BlobStore, owner_id: str, job_id: str, wanted: ExportContents
) -> Iterator[Member]:
    with db.reading() as session:
        of_job = (
            select(Recording.blob_key, Recording.filename, Recording.title, Job.created_at)
            .join(Job, Job.recording_id == Recording.id)
            .where(Job.id == job_id, Job.owner_id == owner_id)
        )
        row = session.execute(of_job).one_or_none()
    if row is None:  # deleted meanwhile
        return
    folder = f"recordings/{_folder(row.title or PurePath(row.filename).stem, job_id)}"
    about: dict[str, list[Row]] = {
        name: list(rows_of(db, name, held, job_id)) for name, held in OF_JOB.items() if not held.why
    }
    yield f"{folder}/job.json", json_text({"job_id": job_id, **about}), row.created_at
    yield from _transcripts(db, owner_id, job_id, folder, wanted.formats)
    if wanted.with_recordings:
        suffix = _REFUSED.sub("-", PurePath(row.filename).suffix)[:16]
        yield from _sound(blobs, row.blob_key, f"{folder}/recording{suffix}", row.created_at)


def _transcripts(
    db: Database, owner_id: str, job_id: str, folder: str, formats: Sequence[str]
) -> Iterator[Member]:
    job = jobs.get_records(db, owner_id=owner_id, job_ids=[job_id]).get(job_id)
    if job is None or job.completed_at is None:
        return
    for name in formats:
        format_ = FORMATS[name]
        try:
            transcript = jobs.get_transcript(
                db,
                owner_id=owner_id,
                job_id=job_id,
                version=Version.CURRENT,
                words=format_.needs_words,
            ).without_removed()
            provenance = provenance_of(db, owner_id, job, format_)
            content = format_.render(transcript, provenance, format_.defaults)
        except LongscribeError:  # it failed, was cancelled, or is gone by now
            return
        yield f"{folder}/transcript.{format_.filename_suffix()}", content, job.completed_at


def _sound(blobs: BlobStore, key: str, name: str, at: datetime) -> Iterator[Member]:
    try:
        reader = blobs.open_range(key)
    except OSError:
        yield f"{name}.missing.txt", b"The storage does not have this recording.\n", at
        return
    with reader:
        yield name, Packed(iter(lambda: reader.read(_PIECE), b"")), at


def _folder(title: str, job_id: str) -> str:
    """A folder's name that every file system takes, unlike that of any other job."""
    shown = _REFUSED.sub("-", title)[:_LONGEST_FOLDER].strip(" .") or "recording"
    return f"{shown} {job_id}"
