"""Forms whose answer is a page with a secret: loading that page again must not send them again.

Such an answer cannot be a redirect, for a secret is stored nowhere to be read from later.
Each form has a token of its own; the browser's session keeps those that were sent.
"""

from __future__ import annotations

import secrets

from flask import request, session

FIELD = "once"
_SENT = "sent_once"
_KEPT = 8


def once_token() -> str:
    """A token for a form that is about to be shown."""
    return secrets.token_urlsafe(6)


def is_sent_again() -> bool:
    """Return whether the form of this request was sent before by this browser; it counts as sent
    from now on. A form without a token is always new."""
    token = request.form.get(FIELD, "")[:16]
    if not token:
        return False
    sent = [one for one in session.get(_SENT, ()) if isinstance(one, str)]
    if token in sent:
        return True
    session[_SENT] = [*sent, token][-_KEPT:]
    return False
