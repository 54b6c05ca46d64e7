"""Edits that ask the voices again: another number of speakers, and one speaker told into two.

Neither needs the recording: the voice map that is stored with the job is cut anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import select

from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import StoredVoiceMap
from shared.speakers.requested_speaker_count import SpeakerCount
from shared.speakers.sentences import speakers_of_sentences
from shared.speakers.speaker_assignment import cut
from shared.speakers.voice_map import VoiceMap, VoicePiece
from shared.transcripts.values import SAMPLE_RATE, Sentence

log = structlog.stdlib.get_logger(__name__)

_TWO = SpeakerCount(2, 2)


def counted(
    db: Database, job_id: str, sentences: Sequence[Sentence], detail: Mapping[str, Any]
) -> dict[str, Any]:
    """The detail of a count: whose each sentence is once as many as `detail["wanted"]` are told
    apart. Raises InvalidRequest."""
    try:
        wanted = SpeakerCount.parse(detail["wanted"])
    except ValueError as error:
        raise InvalidRequest(f"wanted: {error}.", param="wanted") from None
    voice_map = _stored(db, job_id, "wanted")
    speakers = speakers_of_sentences(sentences, voice_map.pieces, cut(voice_map, wanted))
    return {"wanted": str(wanted), "speakers": speakers}


def parted(
    db: Database,
    job_id: str,
    sentences: Sequence[Sentence],
    speakers: Sequence[int | None],
    speaker: int,
) -> list[int]:
    """The places of those sentences of `speaker` that another voice says: of the two that are told
    apart in what `speaker` says, the one who says less.

    `speakers` are those of `sentences` now. Raises InvalidRequest where only one voice is heard.
    """
    own = [n for n, one in enumerate(speakers) if one == speaker]
    spoken = [sentences[n] for n in own]
    voice_map = _within(_stored(db, job_id, "speaker"), spoken)
    found: list[int | None] = []
    if voice_map is not None:
        found = speakers_of_sentences(spoken, voice_map.pieces, cut(voice_map, _TWO))
    said: dict[int, float] = defaultdict(float)
    for sentence, voice in zip(spoken, found, strict=False):
        if voice is not None:
            said[voice] += sentence.end - sentence.start
    if len(said) < 2:
        raise InvalidRequest(
            "speaker: only one voice is heard in what this speaker says. Give sentences to "
            "somebody new by hand.",
            param="speaker",
        )
    lesser = min(said, key=lambda voice: (said[voice], -voice))
    return [n for n, voice in zip(own, found, strict=True) if voice == lesser]


def _within(voice_map: VoiceMap, sentences: Sequence[Sentence]) -> VoiceMap | None:
    """The map of the pieces whose middle lies in one of the sentences, which are in the order of
    time; None where there are none."""
    starts = [round(sentence.start * SAMPLE_RATE) for sentence in sentences]
    ends = [round(sentence.end * SAMPLE_RATE) for sentence in sentences]

    def is_within(piece: VoicePiece) -> bool:
        middle = (piece.start_sample + piece.end_sample) // 2
        # Sentences of two who speak at once may overlap, so their ends are only nearly in order.
        near = range(max(0, bisect_left(ends, middle) - 1), bisect_right(starts, middle))
        return any(starts[n] <= middle <= ends[n] for n in near)

    pieces = [piece for piece in voice_map.pieces if is_within(piece)]
    if not pieces:
        return None
    groups = sorted({piece.group for piece in pieces})
    again = {group: place for place, group in enumerate(groups)}
    rows = voice_map.matrix()
    distances = bytes(
        rows[one][other] for place, one in enumerate(groups) for other in groups[place + 1 :]
    )
    renumbered = (
        VoicePiece(piece.start_sample, piece.end_sample, again[piece.group]) for piece in pieces
    )
    return VoiceMap(voice_map.encoder, voice_map.threshold, tuple(renumbered), distances)


def _stored(db: Database, job_id: str, param: str) -> VoiceMap:
    """The voice map of a job. Raises InvalidRequest for `param` where there is none to be read."""
    with db.reading() as session:
        content = session.scalar(
            select(StoredVoiceMap.content).where(StoredVoiceMap.job_id == job_id)
        )
    if content is None:
        raise InvalidRequest(
            "This transcript was made without telling voices apart. Submit the recording again "
            "with the option speakers.",
            param=param,
        )
    try:
        return VoiceMap.from_json(content)
    except ValueError as error:
        log.error("a job's voice map cannot be read", job_id=job_id, error=str(error))
        raise InvalidRequest(
            "What is stored of the voices of this recording cannot be read. Submit it again with "
            "the option speakers.",
            param=param,
        ) from None
