"""Refusal of documents that have Word fetch a file or run something when they are opened."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from shared.export.reports.refusals import ForbiddenInTemplate

_FIELD, _CODE, _SIMPLE = "{*}fldChar", "{*}instrText", "{*}fldSimple"
_FIELD_NAME = re.compile(r"[^A-Za-z]*([A-Za-z]+)")
"""Name at the beginning of a field's code. Word needs no space behind it where a quote or a
backslash is."""

_FETCHING_FIELDS = frozenset(
    (
        *("DDE", "DDEAUTO", "INCLUDETEXT", "INCLUDEPICTURE", "INCLUDE", "IMPORT", "LINK"),
        *("DATABASE", "MACROBUTTON", "RD"),
    )
)

_DRAWN = "{urn:schemas-microsoft-com:vml}*"
_IS_ADDRESS = re.compile(r"\s*[a-z]+:|[/\\]{2}", re.IGNORECASE)


def require_no_fetching(root: Any) -> None:
    """Refuse fields that fetch, and pictures from an address, in whatever namespace fields are.

    Raises ForbiddenInTemplate.
    """
    _require_harmless_fields(root)
    for drawn in root.iter(_DRAWN):
        for name in ("src", "althref"):
            if _IS_ADDRESS.search(address := drawn.get(name) or ""):
                raise ForbiddenInTemplate(what=address[:60])


def _require_harmless_fields(root: Any) -> None:
    # A code may be cut into pieces, with another field among them.
    open_codes = [""]
    for element in root.iter(_FIELD, _CODE, _SIMPLE):
        kind = etree.QName(element).localname
        if kind == "instrText":
            open_codes[-1] += element.text or ""
        elif kind == "fldSimple":
            for name, value in element.attrib.items():
                if etree.QName(name).localname == "instr":
                    _require_harmless(value)
        else:
            stage = [v for k, v in element.attrib.items() if k.endswith("}fldCharType")]
            if stage == ["begin"]:
                open_codes.append("")
            else:
                _require_harmless(open_codes[-1])
                if stage == ["end"] and len(open_codes) > 1:
                    open_codes.pop()
    for code in open_codes:
        _require_harmless(code)


def _require_harmless(code: str) -> None:
    found = _FIELD_NAME.match(code)
    name = found[1].upper() if found else ""
    if name in _FETCHING_FIELDS:
        raise ForbiddenInTemplate(what=name)
