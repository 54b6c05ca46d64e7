"""The prompts that an owner changed, with the way back to those that come with Longscribe."""

from __future__ import annotations

from sqlalchemy import delete, select

from shared.db import Database
from shared.dialects import upsert
from shared.minutes.prompts import checked_prompt, default_prompt
from shared.models import MinutesPrompt


def changed_prompts(db: Database, owner_id: str, language: str) -> dict[str, str]:
    """The texts that an owner changed, by the prompt's name."""
    with db.reading() as session:
        rows = session.execute(
            select(MinutesPrompt.name, MinutesPrompt.text).where(
                MinutesPrompt.owner_id == owner_id, MinutesPrompt.language == language
            )
        )
        return {row.name: row.text for row in rows}


def change_prompt(db: Database, owner_id: str, language: str, name: str, text: str) -> None:
    """Keep an owner's text of a prompt; requests that were made before keep theirs. The default's
    text is no change. Raises InvalidRequest as `checked_prompt`."""
    text = checked_prompt(name, text)
    if text == default_prompt(language, name):
        restore_prompt(db, owner_id, language, name)
        return
    with db.writing() as session:
        row = upsert(session, MinutesPrompt).values(
            owner_id=owner_id, language=language, name=name, text=text
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=[
                    MinutesPrompt.owner_id,
                    MinutesPrompt.language,
                    MinutesPrompt.name,
                ],
                set_={"text": row.excluded.text},
            )
        )


def restore_prompt(db: Database, owner_id: str, language: str, name: str) -> None:
    """Go back to the prompt that comes with Longscribe. Harmless where that holds already."""
    with db.writing() as session:
        session.execute(
            delete(MinutesPrompt)
            .where(
                MinutesPrompt.owner_id == owner_id,
                MinutesPrompt.language == language,
                MinutesPrompt.name == name,
            )
            .execution_options(synchronize_session=False)
        )
