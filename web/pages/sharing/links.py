"""Pages that a link opens without sign-in: a transcript to read, and its recording if that is
allowed.

Beside the text a link tells who speaks and the chapters, as the recording's own page does; notes,
decisions and to-dos, what was corrected and the words as they were recognised stay its owner's.
These answers set no cookie and read none but the choice of language and look, name no other page,
and are kept out of search engines. The token is never logged.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from shared import accounts, jobs
from shared.accounts.errors import TooManyAttempts
from shared.annotations.marks import MarkKind, read_marks
from shared.errors import JobNotFound, LongscribeError, TranscriptUnreadable
from shared.sharing import OpenedLink, open_link
from shared.sharing.errors import LinkNotFound
from shared.speakers.transcript_speakers import Speakers
from shared.transcripts.chapters import chapter_of
from shared.transcripts.overlap import overlap_of
from shared.transcripts.values import Sentence
from web.api.parsing import parse
from web.api.playback import peaks_response, recording_response
from web.api.schemas.playback import AudioQuery
from web.authentication.client_address import address, attempt_limit
from web.authentication.job_access import LOOK_EVERY_S
from web.errors import localised_error, retry_after_s
from web.http.security_headers import content_security_policy
from web.pages.job.player import player_of
from web.pages.job.speakers_and_paragraphs import PARAGRAPH_RULE, speakers_of
from web.services import services

links = Blueprint("links", __name__, url_prefix="/s")
blueprint = links

_ATTEMPTS = "a link"
"""Name under which wrong tokens from an address are counted, beside its wrong passwords."""


def _opened(token: str) -> OpenedLink:
    """Look up the job that a token opens. Wrong ones are counted as wrong passwords are.

    Raises LinkNotFound or TooManyAttempts.
    """
    here = services()
    counted = {"name_key": f"{_ATTEMPTS} {address()}", "address": address()}
    accounts.require_attempts_left(here.db, attempt_limit(), **counted)
    try:
        if not here.settings.share_links:
            raise LinkNotFound
        return open_link(here.db, token)
    except LinkNotFound:
        accounts.begin_attempt(here.db, attempt_limit(), **counted)
        raise


@links.get("/<token>")
def open_transcript(token: str) -> Response:
    link = _opened(token)
    here = services()
    records = jobs.get_records(here.db, owner_id=link.owner_id, job_ids=[link.job_id])
    if link.job_id not in records:  # deleted at this moment
        raise LinkNotFound
    record = records[link.job_id]
    whose = {"owner_id": link.owner_id, "job_id": link.job_id}
    versions = jobs.get_versions(here.db, **whose, words=False)
    transcript = versions.current.without_removed()
    speakers = speakers_of(record, versions)
    return make_response(
        render_template(
            "sharing/link.html",
            title=record.recording.title,
            day=record.day,
            transcript=transcript,
            speakers=_who_are_heard(speakers) if speakers else None,
            overlap=overlap_of(versions.current, speakers.of_sentences) if speakers else None,
            paragraph_rule=PARAGRAPH_RULE,
            chapters=_chapters(link, transcript.sentences),
            may_correct=False,
            link=link,
            token=token,
            place=f"link/{hashlib.sha256(token.encode()).hexdigest()[:16]}",
            player=player_of(record.recording, here.blobs) if link.with_sound else None,
        )
    )


def _who_are_heard(speakers: Speakers) -> Speakers | None:
    """Leave out whose sentences were all removed; None where nobody is left."""
    heard = tuple(one for one in speakers.speakers if one.sentences)
    return replace(speakers, speakers=heard) if heard else None


def _chapters(link: OpenedLink, sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    """The chapters as the page's script reads marks, each with the number of its first sentence."""
    marks = read_marks(services().db, owner_id=link.owner_id, job_id=link.job_id)
    found = [mark for mark in marks if mark.kind is MarkKind.CHAPTER]
    times = [mark.at_s for mark in found]
    first: list[int | None] = []
    for one in sentences:
        first += [one.n] * (chapter_of(times, one.end) - len(first))
    last = sentences[-1].n if sentences else None
    return [
        {
            "id": number,
            "kind": mark.kind.value,
            "at": mark.at_s,
            "text": mark.text,
            "sentence": first[number] if number < len(first) else last,
        }
        for number, mark in enumerate(found)
    ]


@links.get("/<token>/audio")
def play_recording(token: str) -> Response:
    link = _opened(token)
    if not link.with_sound:
        raise LinkNotFound
    # Never the submitted file where there is a copy, and in pieces: a player asks for each.
    query = parse(AudioQuery, request.args)
    heard = AudioQuery(pieces=query.pieces)
    response = recording_response(link.owner_id, link.job_id, heard, _still_open(token))
    # The file may be named otherwise than its owner calls the recording.
    response.headers["Content-Disposition"] = "inline"
    return response


@links.get("/<token>/peaks")
def get_peaks(token: str) -> Response:
    """The loudness of a recording over time, which whoever hears it can measure."""
    link = _opened(token)
    if not link.with_sound:
        raise LinkNotFound
    return peaks_response(link.owner_id, link.job_id)


def _still_open(token: str) -> Callable[[], bool]:
    """Make a check whether a link still opens the same; the link is looked up at most once in
    LOOK_EVERY_S."""
    db, looked_at = services().db, time.monotonic()
    stands = True

    def stands_now() -> bool:
        nonlocal looked_at, stands
        if stands and time.monotonic() - looked_at >= LOOK_EVERY_S:
            looked_at = time.monotonic()
            try:
                stands = open_link(db, token).with_sound
            except LinkNotFound:
                stands = False
        return stands

    return stands_now


@links.errorhandler(LongscribeError)
def _refused(error: LongscribeError) -> Any:
    """Say in a page without cookies what is wrong."""
    if isinstance(error, JobNotFound | TranscriptUnreadable):
        error = LinkNotFound()
    # What that error says is about passwords.
    message = None if isinstance(error, TooManyAttempts) else localised_error(error)
    page = render_template("sharing/no_link.html", message=message)
    response = make_response(page, error.http_status)
    if error.http_status in (429, 503, 507):
        response.headers["Retry-After"] = str(round(retry_after_s(error)) + 1)
    return response


@links.after_request
def _keep_apart(response: Response) -> Response:
    """Let no search engine list it, no other site hear of it, and no cache keep it."""
    # What a link plays passes through the server, also where an owner's player asks the bucket.
    response.headers.setdefault("Content-Security-Policy", content_security_policy())
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response
