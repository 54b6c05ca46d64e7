"""Text of a transcript that is searched: its present text, a sentence a line.

The index follows by itself: the database marks the entry of a job whose text is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from shared.models import SearchText
from shared.text_folding import composed, fold, seen


def store_text(session: Session, job_id: str, sentences: Iterable[str]) -> None:
    """Make these the searched text of a job, in the transaction that stores them."""
    text = "\n".join(map(_line, sentences))
    session.execute(
        delete(SearchText)
        .where(SearchText.job_id == job_id)
        .execution_options(synchronize_session=False)
    )
    session.execute(insert(SearchText).values(job_id=job_id, folded=fold(text), text=text))


def correct_texts(session: Session, job_id: str, sentences: Mapping[int, str]) -> None:
    """Make these the searched texts of sentences, in the transaction that corrects them."""
    row = session.execute(
        select(SearchText.text)
        .where(SearchText.job_id == job_id)
        .with_for_update()  # or a correction of another sentence at this moment would be lost
    ).one_or_none()
    if row is None:
        return  # finished by a worker of a version that stored none
    lines = row.text.split("\n")
    for n, sentence in sorted(sentences.items()):
        lines += [""] * (n + 1 - len(lines))  # one that was split off follows all others
        lines[n] = _line(sentence)
    whole = "\n".join(lines)
    session.execute(
        update(SearchText)
        .where(SearchText.job_id == job_id)
        .values(folded=fold(whole), text=whole)
        .execution_options(synchronize_session=False)
    )


def _line(text: str) -> str:
    return composed(" ".join(seen(text).split()))
