"""Sign-ins that this browser began and has not finished, in its session cookie: at a provider, or
with a password after which a code is asked for.

The cookie is signed, so nobody else can begin one in another's browser, and a browser uses
each answer of a provider once; that a copied cookie does not, the provider sees to, whose codes are
good once.
"""

from __future__ import annotations

import time
from typing import Any

from flask import session

from shared.accounts import SecondStepNeeded
from web.oidc.provider import Begun

LASTS_S = 900
"""Seconds in which a person may sign in at the provider."""

_MOST = 3
"""Pages at most that were opened at once. A cookie holds 4 kB."""

_LONGEST_TARGET = 400
"""Characters of the page that is shown then; for a longer one it is the front page."""

_KEY = "begun"

_CODE_LASTS_S = 300
"""Seconds in which a code may be entered after the password."""

_CODE_KEY = "second_step"


def remember(begun: Begun, *, provider: str, target: str, account: str) -> None:
    """Keep a sign-in until its answer. `account` is the id of one that is to be connected, or
    empty."""
    if len(target) > _LONGEST_TARGET:
        target = ""
    kept = [one for one in _kept() if one[0] != begun.state][-_MOST + 1 :]
    entry = [begun.state, begun.nonce, begun.verifier, provider, target, account, int(time.time())]
    session[_KEY] = [*kept, entry]


def take(state: str, provider: str) -> tuple[Begun, str, str] | None:
    """Forget the sign-in with a state and return it, with the target and the account; None where
    this browser began none at that provider in LASTS_S."""
    kept = _kept()
    found = [one for one in kept if one[0] == state and one[3] == provider]
    if not found:
        return None
    session[_KEY] = [one for one in kept if one[0] != state]
    _, nonce, verifier, _, target, account, _ = found[0]
    return Begun(state, nonce, verifier), target, account


def await_code(needed: SecondStepNeeded, target: str) -> None:
    """Remember that the password was right."""
    if len(target) > _LONGEST_TARGET:
        target = ""
    session[_CODE_KEY] = [needed.user_id, needed.proof, target, int(time.time())]


def awaited_code() -> tuple[SecondStepNeeded, str] | None:
    """Sign-in that waits for a code in this browser, and the page that is shown then; None where
    there is none, or it was begun too long ago."""
    kept = session.get(_CODE_KEY)
    if not kept or not 0 <= time.time() - kept[3] <= _CODE_LASTS_S:
        return None
    return SecondStepNeeded(kept[0], kept[1]), kept[2]


def _kept() -> list[Any]:
    now = time.time()
    return [one for one in session.get(_KEY, ()) if 0 <= now - one[6] <= LASTS_S]
