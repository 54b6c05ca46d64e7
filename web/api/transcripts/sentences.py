"""A transcript read in parts, for whom ten hours are too much at once."""

from __future__ import annotations

from flask import Response, jsonify, request

from shared import jobs
from shared.transcripts.values import Sentence
from web.api.parsing import parse
from web.api.schemas.transcripts.sentences import SaidOut, SentencesOut, SentencesQuery
from web.authentication.job_access import owner_of
from web.services import services


def sentences_response(job_id: str) -> Response:
    """Answer with the sentences that the query of this request asks for.

    Raises InvalidRequest, JobNotFound and TranscriptNotReady.
    """
    query = parse(SentencesQuery, request.args)
    transcript = jobs.get_transcript(
        services().db, owner_id=owner_of(job_id), job_id=job_id, words=False
    ).without_removed()
    wanted = [
        sentence
        for sentence in transcript.sentences
        if sentence.end > query.start and (query.end is None or sentence.start < query.end)
    ]
    after = query.cursor + query.limit
    shown = SentencesOut(
        job_id=job_id,
        duration=transcript.duration,
        language=transcript.language,
        speakers=list(dict.fromkeys(one.speaker for one in transcript.sentences if one.speaker)),
        sentences=[_said(sentence) for sentence in wanted[query.cursor : after]],
        next_cursor=after if after < len(wanted) else None,
    )
    response = jsonify(shown.model_dump(mode="json"))
    response.add_etag()
    response.make_conditional(request)
    return response


def _said(sentence: Sentence) -> SaidOut:
    assert sentence.n is not None, "read from the database"
    return SaidOut(
        n=sentence.n,
        start=sentence.start,
        end=sentence.end,
        text=sentence.text,
        speaker=sentence.speaker,
    )
