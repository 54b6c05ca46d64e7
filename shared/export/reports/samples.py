"""Templates to begin from: the built-in one, as text and as a Word document."""

from __future__ import annotations

from shared.export.options import Provenance
from shared.export.reports.report import as_blocks, built_in


def sample(kind: str, language: str) -> bytes:
    """The built-in template in Chinese or English, `kind` being 'docx' or 'md'."""
    text = built_in(language)
    if kind == "md":
        return text.encode()
    # python-docx imports lxml: a server that writes no document saves its memory.
    from shared.export.docx import report

    return report(Provenance("", "{{title}}"), language, as_blocks(text))
