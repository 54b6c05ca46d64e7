"""What is full of a person's share of the server, how full, and what to do about it, in words."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from shared.quotas.errors import QuotaExceeded, StorageShareFull, TooManyUploads
from web.i18n.quantities import bytes_text, duration_text


def refusal_text(error: QuotaExceeded) -> str:
    """Word a refusal with its numbers, in the reader's language."""
    most = error.full.most or 0.0
    if isinstance(error, TooManyUploads):
        return ngettext(
            "You have begun one upload, and no more may be open at a time. Finish or discard it; "
            "if nobody goes on with it, it ends by itself in %(when)s.",
            "You have begun %(num)s uploads, and no more may be open at a time. Finish or discard "
            "one; what nobody goes on with ends by itself, the first in %(when)s.",
            int(most),
            when=duration_text(error.retry_after_s),
        )
    if isinstance(error, StorageShareFull):
        return _(
            "Your recordings take %(held)s, this one needs %(wanted)s more, and %(most)s of the "
            "server's disk may be yours now. Delete recordings that you no longer need.",
            held=bytes_text(error.full.held),
            wanted=bytes_text(error.wanted),
            most=bytes_text(most),
        )
    return _(error.default_message)
