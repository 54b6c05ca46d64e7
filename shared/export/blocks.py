"""The paragraphs of a report, whatever file they are written into."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of a report. `kind` is 'heading-1' to 'heading-3', 'bullet', 'text', or
    'row' for a line of a table in Markdown."""

    kind: str
    text: str
    speaker: str = ""
    """Speaker of a transcript's paragraph."""
    is_markdown: bool = False
    """True if the text is the template's own and must not be escaped."""
