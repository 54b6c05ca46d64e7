"""The words that a job was given, by lists or with it: how its names and terms are written."""

from __future__ import annotations

from shared.db import Database
from shared.words.hotwords import given_words
from shared.words.replacements.job_replacements import replacements_of


def terms_of_job(db: Database, job_id: str) -> tuple[str, ...]:
    """Terms of a job: its hotwords, and the right sides of its replacements; sorted, each once."""
    with db.reading() as session:
        given = given_words(session, job_id)
        meant = replacements_of(session, job_id).meant
    return tuple(sorted({*(given.words if given else ()), *meant}))
