"""Actor of the present request or command.

It is told once where a request or a command begins, and read where an act is recorded: the
functions between them, of which there are some hundred, need not pass it on.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from shared.audit.acts import Means


@dataclass(frozen=True, slots=True)
class Actor:
    """Actor of a request or command: the account, the means of proof, and the origin."""

    means: Means
    account_id: str | None = None
    key_sha256: str | None = None
    """SHA-256 of the API key, as it is stored."""
    address: str | None = None
    request_id: str | None = None


SERVER = Actor(Means.SERVER)
COMMAND = Actor(Means.COMMAND)

_actor: ContextVar[Actor] = ContextVar("audit_actor", default=SERVER)


def current_actor() -> Actor:
    """Actor of this thread; the server itself unless somebody was named."""
    return _actor.get()


def let_act(actor: Actor) -> None:
    """Name who acts in this thread from now on. Whoever serves several one after another names
    each."""
    _actor.set(actor)
