"""The templates of reports that owners keep under names, beside the one that holds where none is
named.

A group's are kept as an owner's are, under the group's id: each is stored once, and all members of
the group use and change it, as they do the group's lists of words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared import audit
from shared.annotations.details import one_line
from shared.audit import Act
from shared.db import Database, database_now
from shared.dialects import hold_lock, upsert
from shared.errors import InvalidRequest
from shared.export.options import ExportOptions, Provenance
from shared.export.reports.refusals import (
    NoTemplateText,
    NoWordDocument,
    TemplateNameTaken,
    TemplateNotFound,
    TooManyTemplates,
    WordTemplateOnly,
)
from shared.export.reports.report import checked_template, write_docx, write_markdown
from shared.models import LONGEST_TEMPLATE_NAME as LONGEST_TEMPLATE_NAME
from shared.models import Group, NamedReportTemplate, keepers_for
from shared.states import TemplateKind
from shared.transcripts.values import Transcript

MOST_TEMPLATES = 20
"""Largest number of templates of an owner or a group."""

_ONE_AT_A_TIME = 0x6C6F6E67_74706C73
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""First bytes of a .docx, and of a .doc or a document with a password."""


@dataclass(frozen=True, slots=True)
class NamedTemplate:
    """A template as lists tell it."""

    id: int
    name: str
    kind: TemplateKind
    size_bytes: int
    at: datetime
    """Time at which the template was sent, given to the group or taken out of it."""
    group_id: str | None = None
    """The group whose it is; None: the owner's own."""
    group: str | None = None
    """Name of the group in `group_id`; None: the owner's own."""


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template itself: the file as it was sent."""

    kind: TemplateKind
    content: bytes

    def write(
        self,
        kind: str,
        transcript: Transcript,
        provenance: Provenance,
        options: ExportOptions,
    ) -> bytes:
        """The report as 'docx' or 'md'. Raises WordTemplateOnly, or ReportTooLarge."""
        given = (transcript, provenance, options)
        if self.kind is TemplateKind.TEXT:
            text = self.content.decode()
            if kind == "docx":
                return write_docx(text, *given)
            return write_markdown(text, *given).encode()
        if kind != "docx":
            raise WordTemplateOnly(param="kind")
        # It imports lxml: a server that writes no document saves its memory.
        from shared.export.reports.word import filling

        return filling.write(self.content, *given)

    @property
    def asks_for_summary(self) -> bool:
        """Return whether the template may have the placeholder of a summary; always true of a Word
        document, which is known only once it is read."""
        return self.kind is TemplateKind.WORD or b"summary" in self.content


def list_templates(
    db: Database, *, owner_id: str, with_groups: bool = False
) -> list[NamedTemplate]:
    """An owner's templates, or a group's, by name; `with_groups`: after an owner's those of the
    groups that they are in, by the groups' names."""
    row = NamedReportTemplate
    of_whom = row.owner_id.in_(keepers_for(owner_id)) if with_groups else row.owner_id == owner_id
    wanted = (
        select(row.id, row.name, row.kind, row.size_bytes, row.at, Group.id, Group.name)
        .outerjoin(Group, Group.id == row.owner_id)
        .where(of_whom)
    )
    with db.reading() as session:
        found = [
            NamedTemplate(template_id, name, TemplateKind(kind), size, at, group_id, group)
            for template_id, name, kind, size, at, group_id, group in session.execute(wanted)
        ]

    def place(one: NamedTemplate) -> tuple[str, str, str, int]:
        return (one.group or "").casefold(), one.group_id or "", one.name.casefold(), one.id

    return sorted(found, key=place)


def read_named_template(db: Database, *, owner_id: str, name: str) -> TemplateFile:
    """An owner's template, or a group's. Raises TemplateNotFound."""
    with db.reading() as session:
        row = session.execute(
            select(NamedReportTemplate.kind, NamedReportTemplate.content).where(
                NamedReportTemplate.owner_id == owner_id,
                NamedReportTemplate.name == _as_kept(name),
            )
        ).one_or_none()
    if row is None:
        raise TemplateNotFound
    return TemplateFile(TemplateKind(row.kind), row.content)


def keep_template(db: Database, *, owner_id: str, name: str, content: bytes) -> NamedTemplate:
    """Keep a file under a name, over what had it. What it is, its bytes tell.

    Raises InvalidRequest for a name, and TemplateRefused for a file, that cannot be taken.
    """
    name = _checked_name(name)
    kind, content = _checked(content)
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        _require_room(session, owner_id, name)
        row = upsert(session, NamedReportTemplate).values(
            owner_id=owner_id,
            name=name,
            kind=kind.value,
            content=content,
            size_bytes=len(content),
            at=database_now(),
        )
        new = {key: row.excluded[key] for key in ("kind", "content", "size_bytes", "at")}
        kept = session.execute(
            row.on_conflict_do_update(index_elements=["owner_id", "name"], set_=new).returning(
                NamedReportTemplate.id, NamedReportTemplate.at
            )
        ).one()
        told = {"kind": kind.value, "bytes": len(content)}
        audit.record_of_group(session, Act.GROUP_TEMPLATE_KEPT, owner_id, group, **told)
    group_id = None if group is None else owner_id
    return NamedTemplate(kept.id, name, kind, len(content), kept.at, group_id, group)


def give_template(db: Database, *, owner_id: str, name: str, group_id: str) -> None:
    """Give a template to a group, whose it is from then on. Raises TemplateNotFound,
    TemplateNameTaken, or TooManyTemplates where the group has MOST_TEMPLATES."""
    _move(db, name, owner_id, group_id, to_group=True)


def take_template(db: Database, *, group_id: str, name: str, owner_id: str) -> None:
    """Take a template out of a group: it is the owner's alone from then on. Raises
    TemplateNotFound, TemplateNameTaken, or TooManyTemplates where the owner has MOST_TEMPLATES."""
    _move(db, name, group_id, owner_id, to_group=False)


def _move(db: Database, name: str, keeper: str, to: str, *, to_group: bool) -> None:
    name = _as_kept(name)
    row = NamedReportTemplate
    moving = (
        update(row)
        .where(row.owner_id == keeper, row.name == name)
        # The time is told anew, or a page that shows it would be taken for unchanged.
        .values(owner_id=to, at=database_now())
        .returning(row.kind, row.size_bytes)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        # In one order, so that two who give to and fro wait for one another and not in a circle.
        held = {one: audit.hold_group(session, one) for one in sorted((keeper, to))}
        if to_group and held[to] is None:  # deleted at this moment
            raise TemplateNotFound
        _require_room(session, to, name)
        taken = select(row.id).where(row.owner_id == to, row.name == name)
        if session.scalar(taken) is not None:
            raise TemplateNameTaken
        moved = session.execute(moving).one_or_none()
        if moved is None:
            raise TemplateNotFound
        told = {"kind": moved.kind, "bytes": moved.size_bytes}
        audit.record_of_group(session, Act.GROUP_TEMPLATE_REMOVED, keeper, held[keeper])
        audit.record_of_group(session, Act.GROUP_TEMPLATE_KEPT, to, held[to], **told)


def delete_template(db: Database, *, owner_id: str, name: str) -> None:
    """Forget a template. Raises TemplateNotFound."""
    deleting = (
        delete(NamedReportTemplate)
        .where(NamedReportTemplate.owner_id == owner_id, NamedReportTemplate.name == _as_kept(name))
        .returning(NamedReportTemplate.id)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        if session.scalar(deleting) is None:
            raise TemplateNotFound
        audit.record_of_group(session, Act.GROUP_TEMPLATE_REMOVED, owner_id, group)


def _require_room(session: Session, owner_id: str, name: str) -> None:
    """Check that another template may be kept. Raises TooManyTemplates where MOST_TEMPLATES are
    kept under other names."""
    hold_lock(session, _ONE_AT_A_TIME)  # two at once would count the same
    others = session.scalar(
        select(func.count())
        .select_from(NamedReportTemplate)
        .where(NamedReportTemplate.owner_id == owner_id, NamedReportTemplate.name != name)
    )
    if (others or 0) >= MOST_TEMPLATES:
        raise TooManyTemplates(param="name", most=MOST_TEMPLATES)


def _checked(content: bytes) -> tuple[TemplateKind, bytes]:
    """Kind of a template's file, and the bytes to keep of it. Raises TemplateRefused or
    InvalidRequest."""
    if content.startswith(_OLE):
        raise NoWordDocument
    if content.startswith(_ZIP):
        from shared.export.reports.word import filling

        filling.check(content)
        return TemplateKind.WORD, content
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoTemplateText from None
    return TemplateKind.TEXT, checked_template(text).encode()


def _checked_name(name: str) -> str:
    text = one_line("name", name)
    # It is the last part of an address, and the name of a file.
    is_a_path = "/" in text or "\\" in text or not text.strip(".")
    if is_a_path or not 1 <= len(text) <= LONGEST_TEMPLATE_NAME:
        raise InvalidRequest(
            f"name: from 1 to {LONGEST_TEMPLATE_NAME} characters, and no / or \\ in it.",
            param="name",
        )
    return text


def _as_kept(name: str) -> str:
    """A name as it would have been kept; one that cannot be is nobody's."""
    try:
        return _checked_name(name)
    except InvalidRequest:
        raise TemplateNotFound from None
