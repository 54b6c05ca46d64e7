"""Values of a template's placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from shared.export.blocks import Block
from shared.export.options import ExportOptions, FileMark, Provenance
from shared.export.paragraphs import join_sentences, paragraphs
from shared.export.speakers import joined_names, people_of, shown_name
from shared.export.timestamp import timestamp
from shared.export.typography.sanitise import printable
from shared.transcripts.chapters import sections
from shared.transcripts.values import CHINESE, Transcript

_WORDS = {
    "zh": {"none": "无", "between": "、", "open": "（", "close": "）", "colon": "："},
    "en": {"none": "none", "between": ", ", "open": " (", "close": ")", "colon": ": "},
}

_KINDS = {
    "agenda": ("chapter",),
    "decisions": ("decision",),
    "todos": ("todo",),
    "notes": ("note", "bookmark"),
}
"""The marks that each placeholder tells."""


class Values:
    """Values of a recording's report by placeholder, each on one line and without markup."""

    def __init__(
        self, transcript: Transcript, provenance: Provenance, options: ExportOptions
    ) -> None:
        self.language = transcript.language
        self._transcript = transcript
        self._provenance = provenance
        self._options = options
        self._words = _WORDS["zh" if transcript.language in CHINESE else "en"]

    def inline(self, write: Callable[[str], str] = printable) -> dict[str, str]:
        """The placeholders of which there is one; `write` makes of a text what shows as it is."""
        people = people_of(self._transcript, self._provenance.people, self._options)
        day = self._provenance.day
        return {
            "title": write(self._provenance.title),
            "date": day.isoformat() if day else self.none,
            "people": joined_names(people, self.language, write) or self.none,
            "duration": timestamp(self._transcript.duration),
        }

    @property
    def none(self) -> str:
        """Text for a value that is empty."""
        return self._words["none"]

    def lines(self, name: str) -> Iterator[Block]:
        """A placeholder that becomes several, as paragraphs."""
        if name == "transcript":
            yield from self._said()
            return
        items = self._summary if name == "summary" else list(map(self._item, self._marks(name)))
        yield from (Block("bullet", text) for text in items)
        if not items:
            yield Block("text", self.none)

    def items(self, name: str) -> Iterator[dict[str, str]]:
        """The same by its fields, named as in a template; one of nothing where there is none."""
        fields = self._fields(name)
        first = next(fields, {"text": self.none})
        for item in chain((first,), fields):
            yield {f"{name}.{field}": text for field, text in item.items()}

    def _fields(self, name: str) -> Iterator[dict[str, str]]:
        if name == "transcript":
            for paragraph in paragraphs(self._transcript, self._options):
                yield {
                    "time": timestamp(paragraph.start),
                    "speaker": shown_name(paragraph.speaker, self._options),
                    "text": join_sentences(paragraph.sentences, self._options),
                }
        elif name == "summary":
            yield from ({"text": text} for text in self._summary)
        else:
            for mark in self._marks(name):
                yield {
                    "time": timestamp(mark.at_s),
                    "text": printable(mark.text),
                    "who": printable(mark.who),
                    "due": printable(mark.due),
                }

    @property
    def _summary(self) -> list[str]:
        return [printable(text) for text in self._provenance.summary]

    def _marks(self, name: str) -> list[FileMark]:
        return [mark for mark in self._provenance.marks if mark.kind in _KINDS[name]]

    def _item(self, mark: FileMark) -> str:
        """A mark on a line: who does what by when, and where it was said."""
        words = self._words
        text = printable(mark.text)
        who = words["between"].join(filter(None, map(printable, (mark.who, mark.due))))
        if who:
            text = f"{who}{words['colon']}{text}"
        return f"{text}{words['open']}{timestamp(mark.at_s)}{words['close']}".strip()

    def _said(self) -> Iterator[Block]:
        for section in sections(self._transcript, self._provenance.chapters):
            if section.title is not None:
                yield Block("heading-3", printable(section.title))
            for paragraph in paragraphs(section.transcript, self._options):
                time = f"{timestamp(paragraph.start)} " if self._options.timestamps else ""
                yield Block(
                    "text",
                    time + join_sentences(paragraph.sentences, self._options),
                    shown_name(paragraph.speaker, self._options),
                )
