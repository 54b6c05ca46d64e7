"""The owner of recordings, jobs and all other rows, and how it changes."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from shared import audit
from shared.accounts.handing_over.lists import move_replacements
from shared.accounts.handing_over.templates import rename_templates_of_both
from shared.audit import Act
from shared.db import Database
from shared.models import (
    LOCAL_OWNER,
    Base,
    GroupVoices,
    HotwordList,
    Job,
    KeptVoice,
    MinutesPrompt,
    MonthlyUsage,
    OwnerTurn,
    Recording,
    Replacement,
    ReplacementList,
    Share,
    StoredTally,
    Tally,
    User,
    VoiceKeeping,
)
from shared.notifications.forget_channels import forget_handed_over
from shared.quotas.monthly import move_usage
from shared.speakers.kept.voice_keeping import forget_voices
from shared.states import JobStatus
from shared.webhooks.hooks import switch_off_handed_over
from shared.words.hotwords import move_list

_NOT_MOVED = {
    table.__tablename__
    for table in (
        *(OwnerTurn, Tally, StoredTally, MonthlyUsage, ReplacementList, Replacement, HotwordList),
        *(VoiceKeeping, KeptVoice, GroupVoices),
    )
}

_ATTEMPTS = 3


def hand_over(db: Database, *, from_owner: str, to_owner: str) -> int:
    """Give everything of one owner to another, but for kept voices, which are deleted. Returns the
    number of recordings moved."""
    if from_owner == to_owner:
        return 0
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with db.writing() as session:
                moved = move_everything(session, from_owner, to_owner)
                audit.record(
                    session,
                    Act.HANDED_OVER,
                    object_id=to_owner,
                    subject_id=from_owner,
                    recordings=moved,
                )
                return moved
        except IntegrityError:  # the new owner began a list of words at this moment
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def move_everything(session: Session, from_owner: str, to_owner: str) -> int:
    """Change the owner in every table that has one. Returns the number of recordings moved."""
    # All others hold a job before what belongs to it, and before its owner's voices.
    held = select(Job.id).where(Job.owner_id == from_owner).order_by(Job.id).with_for_update()
    session.execute(select(func.count()).select_from(held.subquery()))
    # Voices are biometric data, which people entrusted to the one owner alone.
    forget_voices(session, from_owner)
    move_replacements(session, from_owner, to_owner)
    # An owner has each key once. Of two clients that happened to use the same, the new owner's
    # keeps it.
    used = select(Job.idempotency_key).where(Job.owner_id == to_owner)
    session.execute(
        update(Job)
        .where(Job.owner_id == from_owner, Job.idempotency_key.in_(used))
        .values(idempotency_key=None)
        .execution_options(synchronize_session=False)
    )
    _drop_prompts_of_both(session, from_owner, to_owner)
    rename_templates_of_both(session, from_owner, to_owner)
    switch_off_handed_over(session, from_owner)
    forget_handed_over(session, from_owner, to_owner)
    session.execute(delete(OwnerTurn).where(OwnerTurn.owner_id == from_owner))
    moved = 0
    for table in Base.metadata.sorted_tables:
        # Turns are not inherited; the tallies follow the jobs by themselves, and use is added up;
        # lists of words have functions of their own, and voices are deleted.
        if table.name in _NOT_MOVED or "owner_id" not in table.c:
            continue
        moving = update(table).where(table.c.owner_id == from_owner)
        result = session.execute(moving.values(owner_id=to_owner))
        if table.name == Recording.__tablename__:
            moved = cast(CursorResult[Any], result).rowcount
    # What is theirs now need not be shared with them.
    of_theirs = select(Job.id).where(Job.owner_id == to_owner)
    session.execute(
        delete(Share)
        .where(Share.person_id == to_owner, Share.job_id.in_(of_theirs))
        .execution_options(synchronize_session=False)
    )
    move_usage(session, from_owner, to_owner)
    if to_owner != LOCAL_OWNER and not session.scalar(
        select(User.is_admin).where(User.id == to_owner)
    ):
        lower_priorities(session, to_owner)
    move_list(session, from_owner, to_owner)  # last, as is its lock
    return moved


def _drop_prompts_of_both(session: Session, from_owner: str, to_owner: str) -> None:
    """Delete the prompts for minutes that both changed, so that the new owner keeps theirs."""
    kept = aliased(MinutesPrompt)
    session.execute(
        delete(MinutesPrompt)
        .where(
            MinutesPrompt.owner_id == from_owner,
            exists().where(
                kept.owner_id == to_owner,
                kept.language == MinutesPrompt.language,
                kept.name == MinutesPrompt.name,
            ),
        )
        .execution_options(synchronize_session=False)
    )


def lower_priorities(session: Session, owner_id: str) -> None:
    """Let no job of somebody who is no administrator go before those of others, also when it is
    retried."""
    session.execute(
        update(Job)
        .where(
            Job.owner_id == owner_id,
            Job.priority > 0,
            Job.status != JobStatus.COMPLETED.value,
        )
        .values(priority=0)
        .execution_options(synchronize_session=False)
    )
