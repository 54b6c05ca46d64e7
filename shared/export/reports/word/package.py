"""The parts of a Word document that somebody sent: a zip file of XML, read within bounds.

A part is looked at as bytes before it is parsed, so that neither a small file that unpacks to a
large one nor XML that declares entities costs more than its bounds.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from docx.oxml.ns import qn
from lxml import etree

from shared.export.reports.refusals import (
    ForbiddenInTemplate,
    NoWordDocument,
    TemplateTooLarge,
)
from shared.export.reports.word import LARGEST_DOCUMENT
from shared.export.reports.word.external_references import require_no_fetching

_MOST_PARTS = 200
_LARGEST_UNPACKED = 16 * 1024 * 1024
_LARGEST_XML = 8 * 1024 * 1024
_MOST_TAGS, _MOST_ATTRIBUTES = 200_000, 400_000
"""Largest numbers in all XML together, closing tags counted; a node takes about 200 bytes of
memory."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can hold."""

_XML = (".xml", ".rels", ".vml")
_BEGINNING = b"PK\x03\x04"
_TYPES, _ROOT_RELATIONS = "[Content_Types].xml", "_rels/.rels"
_UTF8_MARK = b"\xef\xbb\xbf"

_DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_DOTX = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
_FORBIDDEN_TYPES = re.compile(
    r"macroenabled|vba|activex|oleobject|webextension|keymapcustom", re.IGNORECASE
)

_XML_TYPE = re.compile(r"^(?!\s*image/).*[/+]xml\b", re.IGNORECASE | re.DOTALL)
"""Pictures of SVG aside, which are drawn and not read."""

_NOT_KEPT = "attachedTemplate"
"""The kind of a relation that names the file of Word's own template on its author's machine."""

_FETCHING_TAGS = (b"attachedTemplate", b"mailMerge")
"""Tags of the settings that have Word fetch a file."""

_ALLOWED_RELATIONS = frozenset(
    (
        *("officeDocument", "core-properties", "extended-properties", "custom-properties"),
        *("thumbnail", "styles", "stylesWithEffects", "settings", "webSettings", "fontTable"),
        *("numbering", "theme", "header", "footer", "footnotes", "endnotes", "image", "font"),
        *("hyperlink", "customXml", "customXmlProps", "glossaryDocument", "comments"),
        *("commentsExtended", "commentsIds", "commentsExtensible", "people", "hdphoto"),
        # What Word of a company adds by itself: labels of secrecy, a printer, its proof-reader.
        *("classificationlabels", "printerSettings", "intelligence", "documenttasks"),
        _NOT_KEPT,
    )
)
"""The last part of a relation's type. All else may hold or fetch what is no text or picture."""

_HARMLESS_ADDRESS = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, IndexError, ValueError),
    *(NotImplementedError, RuntimeError, OSError),
)
"""Exceptions of zipfile for files that are no archives, that are encrypted, or that are not
whole."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Relation from a part to another part or an address; `kind` is the last part of the relation's
    type."""

    kind: str
    target: str
    is_external: bool


class WordPackage:
    """The parts of a document, in the file's order.

    Raises NoWordDocument, TemplateTooLarge and ForbiddenInTemplate.
    """

    def __init__(self, content: bytes) -> None:
        self._parts = _unpacked(content)
        if _TYPES not in self._parts or _ROOT_RELATIONS not in self._parts:
            raise NoWordDocument
        self._require_bounded_xml()
        self._require_allowed_types()
        for name in self._parts:
            if name.lower().endswith(".rels"):
                self._require_allowed_relations(name)
        starts = [one for one in self._relations(_ROOT_RELATIONS) if one.kind == "officeDocument"]
        self.main = self._part_of("", starts[0]) if len(starts) == 1 else ""
        if self._type_of(self.main) not in (_DOCUMENT, _DOTX):
            raise NoWordDocument
        if self.tree(self.main).tag != qn("w:document"):  # in Strict Open XML it is another's
            raise NoWordDocument

    def part_names(self, *kinds: str) -> list[str]:
        """The parts that the document itself names by a relation of one of these kinds."""
        named = [
            self._part_of(self.main, one)
            for one in self._relations(_relations_of(self.main))
            if one.kind in kinds and not one.is_external
        ]
        return [name for name in dict.fromkeys(named) if name in self._parts]

    def tree(self, name: str) -> Any:
        """The root element of a part. Raises NoWordDocument for one that is not there."""
        if name not in self._parts or not _is_xml(name):  # of which nothing was counted
            raise NoWordDocument
        return _parsed(self._parts[name])

    def put(self, name: str, root: Any) -> None:
        """Put an element in place of a part's own."""
        self._parts[name] = etree.tostring(
            root, xml_declaration=True, encoding="UTF-8", standalone=True
        )

    def has(self, name: str) -> bool:
        return name in self._parts

    def saved(self) -> bytes:
        """The document as a file, the same bytes for the same parts; one of Word's templates
        (.dotx) becomes a document."""
        types = self._parts[_TYPES].replace(_DOTX.encode(), _DOCUMENT.encode())
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in (self._parts | {_TYPES: types}).items():
                entry = zipfile.ZipInfo(name, _ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(entry, content)
        return written.getvalue()

    def drop_attached_templates(self) -> None:
        """Take out what would have Word fetch another template, or data, from elsewhere.

        It is looked for in all parts: Word finds a part also where a relation writes its name with
        other capitals, or with characters escaped.
        """
        for name in [name for name in self._parts if _is_xml(name)]:
            is_relations = name.lower().endswith(".rels")
            if not is_relations and not any(tag in self._parts[name] for tag in _FETCHING_TAGS):
                continue
            root = self.tree(name)
            found = [
                element
                for element in root.iter()
                if (is_relations and _last(element.get("Type") or "") == _NOT_KEPT)
                or etree.QName(element).localname.encode() in _FETCHING_TAGS
            ]
            for element in found:
                if (parent := element.getparent()) is not None:
                    parent.remove(element)
            if found:
                self.put(name, root)

    def _require_bounded_xml(self) -> None:
        xml = [content for name, content in self._parts.items() if _is_xml(name)]
        tags = sum(content.count(b"<") for content in xml)
        attributes = sum(content.count(b"=") for content in xml)
        is_large = sum(map(len, xml)) > _LARGEST_XML
        if is_large or tags > _MOST_TAGS or attributes > _MOST_ATTRIBUTES:
            raise TemplateTooLarge
        for content in xml:
            if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                raise ForbiddenInTemplate(what="DOCTYPE")
            require_no_fetching(_parsed(content))

    def _require_allowed_types(self) -> None:
        for element in self.tree(_TYPES).iter():
            kind = element.get("ContentType") or ""
            if found := _FORBIDDEN_TYPES.search(kind):
                raise ForbiddenInTemplate(what=found[0])
            # What is read as XML is told by its name here: none may hide under another.
            name = element.get("PartName") or f".{element.get('Extension')}"
            if _XML_TYPE.search(kind) and not _is_xml(name):
                raise NoWordDocument

    def _require_allowed_relations(self, name: str) -> None:
        for one in self._relations(name):
            if one.kind not in _ALLOWED_RELATIONS:
                raise ForbiddenInTemplate(what=one.kind[:40])
            if one.is_external and one.kind != _NOT_KEPT:
                is_link = one.kind == "hyperlink" and _HARMLESS_ADDRESS.match(one.target)
                if not is_link:
                    raise ForbiddenInTemplate(what=one.target[:60] or one.kind)

    def _relations(self, name: str) -> list[Relation]:
        if name not in self._parts:
            return []
        return [
            Relation(
                _last(element.get("Type") or ""),
                element.get("Target") or "",
                # "Internal" is what is meant where nothing is said; all else counts as elsewhere.
                (element.get("TargetMode") or "Internal") != "Internal",
            )
            for element in list(self.tree(name).iter())[1:]
        ]

    @staticmethod
    def _part_of(source: str, relation: Relation) -> str:
        """The name of the part that a relation of `source` names."""
        joined = posixpath.join("/", posixpath.dirname(source), relation.target)
        return posixpath.normpath(joined).lstrip("/")

    def _type_of(self, name: str) -> str:
        for element in self.tree(_TYPES):
            if (element.get("PartName") or "").lstrip("/") == name:
                return element.get("ContentType") or ""
        return ""


def _unpacked(content: bytes) -> dict[str, bytes]:
    if len(content) > LARGEST_DOCUMENT:
        raise TemplateTooLarge
    if not content.startswith(_BEGINNING):  # zipfile looks for its end only
        raise NoWordDocument
    parts: dict[str, bytes] = {}
    known: set[str] = set()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            entries = [entry for entry in source.infolist() if not entry.is_dir()]
            if len(entries) > _MOST_PARTS:
                raise TemplateTooLarge
            if sum(entry.file_size for entry in entries) > _LARGEST_UNPACKED:
                raise TemplateTooLarge
            for entry in entries:
                name = entry.filename
                # Word knows no difference between capitals and others here.
                if name.casefold() in known or ".." in name.split("/") or name.startswith("/"):
                    raise NoWordDocument
                known.add(name.casefold())
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise NoWordDocument
                with source.open(entry) as part:
                    # A read without a number would unpack all before it looks at the length told.
                    parts[name] = part.read(entry.file_size + 1)
                if len(parts[name]) != entry.file_size:
                    raise NoWordDocument
    except _BROKEN:
        raise NoWordDocument from None
    return parts


def _parsed(content: bytes) -> Any:
    # Whatever else a part says it is in, it is read as UTF-8, as Word and others write it: what was
    # counted in its bytes is what is parsed.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(content.removeprefix(_UTF8_MARK), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NoWordDocument from None


def _is_xml(name: str) -> bool:
    return name.lower().endswith(_XML)


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _last(relation_type: str) -> str:
    return relation_type.rstrip("/").rpartition("/")[2]
