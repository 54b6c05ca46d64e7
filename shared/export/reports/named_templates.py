"""The templates of reports that owners keep under names, beside the one that holds where none is
named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from shared.annotations.details import one_line
from shared.db import Database, database_now
from shared.dialects import hold_lock, upsert
from shared.errors import InvalidRequest
from shared.export.options import ExportOptions, Provenance
from shared.export.reports.refusals import (
    NoTemplateText,
    NoWordDocument,
    TemplateNotFound,
    TooManyTemplates,
    WordTemplateOnly,
)
from shared.export.reports.report import checked_template, write_docx, write_markdown
from shared.models import LONGEST_TEMPLATE_NAME as LONGEST_TEMPLATE_NAME
from shared.models import NamedReportTemplate
from shared.states import TemplateKind
from shared.transcripts.values import Transcript

MOST_TEMPLATES = 20
"""Of an owner."""

_ONE_AT_A_TIME = 0x6C6F6E67_74706C73
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""How a .docx begins, and a .doc or a document with a password."""


@dataclass(frozen=True, slots=True)
class NamedTemplate:
    """A template as lists tell it."""

    id: int
    name: str
    kind: TemplateKind
    size_bytes: int
    at: datetime
    """When it was sent."""


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


def list_templates(db: Database, *, owner_id: str) -> list[NamedTemplate]:
    """An owner's templates, by name."""
    columns = (NamedReportTemplate.id, NamedReportTemplate.name, NamedReportTemplate.kind)
    with db.reading() as session:
        rows = session.execute(
            select(*columns, NamedReportTemplate.size_bytes, NamedReportTemplate.at).where(
                NamedReportTemplate.owner_id == owner_id
            )
        ).all()
    found = [
        NamedTemplate(row.id, row.name, TemplateKind(row.kind), row.size_bytes, row.at)
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


def read_named_template(db: Database, *, owner_id: str, name: str) -> TemplateFile:
    """An owner's template. Raises TemplateNotFound."""
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
        hold_lock(session, _ONE_AT_A_TIME)  # two at once would count the same
        others = session.scalar(
            select(func.count())
            .select_from(NamedReportTemplate)
            .where(NamedReportTemplate.owner_id == owner_id, NamedReportTemplate.name != name)
        )
        if (others or 0) >= MOST_TEMPLATES:
            raise TooManyTemplates(param="name", most=MOST_TEMPLATES)
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
    return NamedTemplate(kept.id, name, kind, len(content), kept.at)


def delete_template(db: Database, *, owner_id: str, name: str) -> None:
    """Forget a template. Raises TemplateNotFound."""
    deleting = (
        delete(NamedReportTemplate)
        .where(NamedReportTemplate.owner_id == owner_id, NamedReportTemplate.name == _as_kept(name))
        .returning(NamedReportTemplate.id)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        if session.scalar(deleting) is None:
            raise TemplateNotFound


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
