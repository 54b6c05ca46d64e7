"""Application of a job's rules to its finished transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select

from shared.db import Database
from shared.models import Job
from shared.transcripts.rules import RuleTexts
from shared.transcripts.values import Rule, Transcript
from shared.words.numbers.choice import Numbers, numbers_from_options
from shared.words.numbers.writing import written_numbers
from shared.words.replacements.job_replacements import replacements_of


def rule_texts(db: Database, job_id: str, transcript: Transcript) -> RuleTexts:
    """The sentences that each of the job's rules changes: the lists of words, then its numbers.

    They follow from the transcript and from what the job was submitted with, so another attempt
    comes to the same text.
    """
    with db.reading() as session:
        replacements = replacements_of(session, job_id)
        options = session.scalar(select(Job.options).where(Job.id == job_id)) or {}
    texts = [sentence.text for sentence in transcript.sentences]
    changed: dict[Rule, Mapping[int, str]] = {}
    if replacements:
        changed[Rule.REPLACEMENTS] = _apply(replacements.apply, texts)
    if numbers_from_options(options) is Numbers.WRITTEN:
        changed[Rule.NUMBERS] = _apply(written_numbers, texts)
    return changed


def _apply(rule: Callable[[str], str], texts: list[str]) -> dict[int, str]:
    """Change the texts, and return those that are others now."""
    changed = {n: text for n, text in enumerate(map(rule, texts)) if text != texts[n]}
    for n, text in changed.items():
        texts[n] = text
    return changed
