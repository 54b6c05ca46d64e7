"""Minutes as files: Markdown, plain text and Word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.export.markdown import escaped
from shared.export.options import Provenance
from shared.export.timestamp import timestamp
from shared.export.typography.sanitise import printable
from shared.minutes.contents import Minutes, Point
from shared.transcripts.values import Sentence

_WORDS = {
    "zh": {
        "title": "会议纪要",
        "summary": "摘要",
        "decisions": "决定",
        "todos": "待办",
        "chapters": "章节",
        "proposal": "由模型 {model} 起草，尚未有人确认。",
        "unverified": "原话中没有：{what}",
        "unsourced": "没有出处",
        "between": "，",
        "open": "（",
        "close": "）",
        "colon": "：",
    },
    "en": {
        "title": "Minutes",
        "summary": "Summary",
        "decisions": "Decisions",
        "todos": "To do",
        "chapters": "Chapters",
        "proposal": "Proposed by the model {model}, and accepted by nobody yet.",
        "unverified": "not found in what was said: {what}",
        "unsourced": "without source",
        "between": ", ",
        "open": " (",
        "close": ")",
        "colon": ": ",
    },
}
"""The file's own words, in the language of the minutes."""


@dataclass(frozen=True, slots=True)
class MinutesFile:
    """Contents of an exported file of minutes."""

    title: str
    """Title of the recording."""
    job_id: str
    language: str
    model: str
    minutes: Minutes
    sentences: Sequence[Sentence]
    """Sentences of the transcript, which times are told from."""
    accepted: bool
    """Accepted ones have no marks of what is in doubt: somebody has read them."""
    completed_at: datetime | None

    @property
    def words(self) -> dict[str, str]:
        """The file's own words."""
        return _WORDS["zh" if self.language == "zh" else "en"]

    @property
    def heading(self) -> str:
        """The title of the file."""
        title = printable(self.title)
        return (
            f"{self.words['title']}{self.words['colon']}{title}" if title else self.words["title"]
        )

    @property
    def note(self) -> str:
        """Note below the heading; empty for accepted minutes."""
        return "" if self.accepted else self.words["proposal"].format(model=printable(self.model))

    def summary(self) -> tuple[str, ...]:
        """The points of the summary, and last whether nobody has accepted them yet; without a
        summary nothing."""
        texts = tuple(point.text for point in self.minutes.summary)
        return (*texts, self.note) if texts and self.note else texts

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each heading with its lines, without the sections that have none."""
        for name, points in self.minutes.sections():
            if points:
                yield self.words[name], [self._line(name, point) for point in points]

    def _line(self, section: str, point: Point) -> str:
        words = self.words
        starts = [self.sentences[n].start for n in point.sentences if n < len(self.sentences)]
        text = printable(point.text)
        if section == "chapters":
            return f"{timestamp(min(starts))} {text}" if starts else text
        who = [printable(part) for part in (point.owner, point.due) if part]
        about = [timestamp(min(starts))] if starts else []
        if not self.accepted:
            about += [] if starts else [words["unsourced"]]
            if point.unverified:
                what = words["between"].join(map(printable, point.unverified))
                about.append(words["unverified"].format(what=what))
        head = f"{words['between'].join(who)}{words['colon']}" if who else ""
        tail = f"{words['open']}{words['between'].join(about)}{words['close']}" if about else ""
        return f"{head}{text}{tail}"


def markdown(file: MinutesFile) -> bytes:
    """The minutes as Markdown. What a model wrote is text in it, and neither markup nor HTML."""
    lines = [f"# {escaped(file.heading)}", ""]
    if file.note:
        lines += [f"*{escaped(file.note)}*", ""]
    for heading, points in file.sections():
        mark = "- [ ] " if heading == file.words["todos"] else "- "
        lines += [f"## {heading}", "", *(f"{mark}{escaped(point)}" for point in points), ""]
    return "\n".join(lines).encode()


def plain_text(file: MinutesFile) -> bytes:
    """The minutes as text."""
    lines = [file.heading, *([file.note] if file.note else []), ""]
    for heading, points in file.sections():
        lines += [heading, *(f"- {point}" for point in points), ""]
    return "\n".join(lines).encode()


def word(file: MinutesFile) -> bytes:
    """The minutes as a Word document."""
    # python-docx imports lxml: a server that writes no document saves its memory.
    from shared.export import docx

    return docx.outline(
        Provenance(file.job_id, file.heading, file.completed_at),
        language=file.language,
        subtitle=file.note,
        sections=list(file.sections()),
    )


@dataclass(frozen=True, slots=True)
class MinutesFormat:
    """A format of minutes as a file."""

    name: str
    media_type: str
    write: Callable[[MinutesFile], bytes]


FORMATS = {
    format_.name: format_
    for format_ in (
        MinutesFormat("md", "text/markdown", markdown),
        MinutesFormat("txt", "text/plain", plain_text),
        MinutesFormat(
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            word,
        ),
    )
}
