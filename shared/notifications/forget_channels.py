"""Deleting where somebody is told, when it is no longer theirs to be told."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.models import LOCAL_OWNER, SignIn, Webhook
from shared.notifications.mail_address import has_mail
from shared.states import ChannelKind


def forget_channels(session: Session, owner_id: str, *kinds: ChannelKind) -> None:
    """Delete the mail address and the browsers of an account, or those of `kinds`."""
    chosen = kinds or (ChannelKind.MAIL, ChannelKind.PUSH)
    session.execute(
        delete(Webhook)
        .where(Webhook.owner_id == owner_id, Webhook.kind.in_([kind.value for kind in chosen]))
        .execution_options(synchronize_session=False)
    )


def forget_signed_out(db: Database) -> None:
    """Delete the browsers whose sign-in is over: nobody is told in them any more."""
    is_over = (Webhook.sign_in_sha256.is_not(None)) & ~(
        select(SignIn.token_sha256).where(SignIn.token_sha256 == Webhook.sign_in_sha256).exists()
    )
    with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
        if session.scalar(select(Webhook.id).where(is_over).limit(1)) is None:
            return
    with db.writing() as session:
        session.execute(delete(Webhook).where(is_over).execution_options(synchronize_session=False))


def forget_handed_over(session: Session, from_owner: str, to_owner: str) -> None:
    """Delete them of an owner whose recordings another one gets: they are theirs. An address that
    nobody signed in for stays, unless the other one has an address."""
    forget_channels(session, from_owner, ChannelKind.PUSH)
    if from_owner != LOCAL_OWNER or has_mail(session, to_owner):
        forget_channels(session, from_owner, ChannelKind.MAIL)
