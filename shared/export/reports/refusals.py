"""Errors for a template that is refused. Each gives the place in it and what to do, so that a
message for a person can be made of them."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError

_LONGEST_EXCERPT = 60


class TemplateRefused(InvalidRequest):
    """Base of these errors. `values` fill in the message, `line` is that of a text, from 1, and
    `excerpt` how the place reads."""

    default_message = "template: it cannot be used."

    def __init__(
        self,
        *,
        line: int | None = None,
        excerpt: str = "",
        param: str = "template",
        **values: object,
    ) -> None:
        self.line = line
        self.excerpt = shortened(excerpt)
        self.values = values
        place = f"line {line}" if line else ""
        super().__init__(self.worded(self.default_message, place), param=param)

    def worded(self, text: str, line: str) -> str:
        """The message, or its translation, with all that it tells; `line` names the line."""
        quoted = f"“{self.excerpt}”" if self.excerpt else ""
        where = ": ".join(filter(None, (line, quoted)))
        return text % _Told({"where": where, **self.values})


class _Told(dict[str, object]):
    """Values of a message; an ellipsis stands for one that nobody gave."""

    def __missing__(self, name: str) -> str:
        return "…"


def shortened(text: str) -> str:
    """The beginning of a text, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_EXCERPT else f"{text[:_LONGEST_EXCERPT]}…"


class UnknownPlaceholder(TemplateRefused):
    default_message = (
        "template: %(where)s has {{%(name)s}}, and there is no such placeholder. The nearest is "
        "{{%(nearest)s}}."
    )


class PlaceholderNotAlone(TemplateRefused):
    default_message = (
        "template: %(where)s: {{%(name)s}} stands alone in its line or paragraph, for it becomes "
        "several. What is repeated together with other words has fields, as {{%(name)s.text}}."
    )


class MixedFields(TemplateRefused):
    default_message = (
        "template: %(where)s: a line, a paragraph or a row is repeated for things of one kind, and "
        "this has both %(first)s and %(second)s."
    )


class PlaceholderNotClosed(TemplateRefused):
    default_message = (
        "template: %(where)s: what begins with {{ ends with }} in the same paragraph, and has a "
        "name between."
    )


class NotInTheText(TemplateRefused):
    default_message = (
        "template: %(where)s: {{%(name)s}} becomes several, so it stands in the text itself and "
        "not in a header, a footer or a note."
    )


class RepeatNotPlain(TemplateRefused):
    default_message = (
        "template: %(where)s: a paragraph or a row that is repeated has little text, at most "
        "%(most)s placeholders, and no picture, note or table within."
    )


class TooManyPlaceholders(TemplateRefused):
    default_message = (
        "template: at most %(most)s placeholders, and at most %(repeats)s times what becomes "
        "several of {{%(name)s}}."
    )


class NoWordDocument(TemplateRefused):
    default_message = (
        "template: this cannot be read as a Word document. Save it in Word as .docx, without a "
        "password, and not as Strict Open XML."
    )


class ForbiddenInTemplate(TemplateRefused):
    default_message = (
        "template: the document has '%(what)s', which a template may not have: macros, embedded "
        "objects and files that are linked from elsewhere. Take it out and save it again."
    )


class TemplateTooLarge(TemplateRefused):
    default_message = (
        "template: it is too large. A Word document has at most 1 MiB, and unpacked at most 16 "
        "MiB, 8 of them text, in 200 parts. Make its pictures smaller, or leave some out."
    )


class NoTemplateText(TemplateRefused):
    default_message = "template: this is neither a Word document (.docx) nor text in UTF-8."


class ReportTooLarge(TemplateRefused):
    default_message = (
        "template: with this recording the report would be too large. Repeat a smaller paragraph "
        "or row, or fewer of them."
    )


class WordTemplateOnly(TemplateRefused):
    default_message = (
        "kind: the template is a Word document, of which only Word documents are made. Leave kind "
        "out, or choose a template of text."
    )


class TooManyTemplates(TemplateRefused):
    default_message = "name: at most %(most)s templates are kept. Delete one first."


class TemplateNameTaken(PermanentError):
    code = "template_name_taken"
    http_status = 409
    default_message = "A template of this name is already there. Delete that one first."


class TemplateNotFound(PermanentError):
    code = "template_not_found"
    http_status = 404
    default_message = "You have no template of this name. It may have been deleted."
