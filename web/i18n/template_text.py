"""Messages about templates of reports that were refused."""

from __future__ import annotations

from flask_babel import gettext as _

from shared.export.reports.refusals import TemplateRefused


def template_refusal_text(error: TemplateRefused) -> str:
    """Word a refusal with its place, in the reader's language."""
    line = _("line %(number)s", number=error.line) if error.line else ""
    # The text is one of the classes', which are translated as they stand.
    return error.worded(str(_(error.default_message)), line)
