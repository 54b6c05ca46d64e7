"""What the rules of a job make of its transcript, once that is finished."""

from __future__ import annotations

from shared.db import Database
from shared.transcripts.rules import RuleTexts
from shared.transcripts.values import Rule, Transcript
from shared.words.replacements.of_job import replacements_of


def rule_texts(db: Database, job_id: str, transcript: Transcript) -> RuleTexts:
    """The sentences that each of the job's rules changes.

    They follow from the transcript and from what the job was submitted with, so another attempt
    comes to the same text.
    """
    with db.reading() as session:
        replacements = replacements_of(session, job_id)
    if not replacements:
        return {}
    written = (replacements.apply(sentence.text) for sentence in transcript.sentences)
    changed = {
        n: text
        for n, (sentence, text) in enumerate(zip(transcript.sentences, written, strict=True))
        if text != sentence.text
    }
    return {Rule.REPLACEMENTS: changed}
