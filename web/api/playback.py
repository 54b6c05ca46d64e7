"""/api/v1/jobs/{job_id}/audio, /peaks and /words: what it takes to listen while reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from shared import jobs
from shared.storage.blob_store import BlobReader
from shared.storage.errors import RecordingMissing
from shared.transcripts.confidence import is_doubtful
from web.api.jobs.presenter import with_digest
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, takes_query
from web.api.schemas.playback import AudioQuery, PeaksOut, SentenceWords, WordsOut
from web.authentication.job_access import access_of, owner_of, still_open
from web.http.byte_ranges import OutOfRange, requested_part
from web.http.filenames import attachment, inline
from web.http.recording_media_types import HEAD_BYTES, media_type
from web.services import services

log = structlog.stdlib.get_logger(__name__)

blueprint = APIBlueprint("listening", __name__, url_prefix="/api/v1/jobs")

_CHUNK_BYTES = 128 * 1024
"""Bytes read and sent at a time, and so the memory of a response, whatever its length."""

PIECE_BYTES = 2 * 2**20
"""The most that a player gets in one response: half a minute of the largest usual format. A browser
that has buffered enough stops reading, and a longer response would block a server thread."""

PLAYABLE_SUFFIX = ".webm"
"""Suffix of the names of playable copies."""

_SANDBOX_POLICY = "default-src 'none'; sandbox"
"""The policy of uploaded files: opened as a page, they run no script and have no origin."""


@blueprint.get("/<uuid:job_id>/audio")
@blueprint.doc(responses=[416])
@takes_query(AudioQuery)
@completed_by(operations.recording_file)
def get_job_audio(job_id: UUID) -> Response:
    """Play the recording, or download it as it was submitted.

    Where browsers cannot play the submitted file, or seek in it, its light copy is played instead
    (`audio` in the job); `download=1` gives the submitted file itself.  `Range` is understood, with
    `If-Range`.  The bytes behind an `ETag` never change; that of the submitted file is its SHA-256.
    With `pieces=1`, which players send, an owner may be redirected to the bucket that holds the
    recording, where that is set up.
    """
    query, access = parse(AudioQuery, request.args), access_of(job_id)
    # Nobody else: an address of the bucket stands until it expires, and a share ends at once.
    presigned = not access.is_shared
    return recording_response(
        access.owner_id, str(job_id), query, still_open(access), presigned=presigned
    )


def recording_response(
    owner_id: str,
    job_id: str,
    query: AudioQuery,
    is_open: Callable[[], bool],
    *,
    presigned: bool = False,
) -> Response:
    """Respond with a recording, or what is heard of it; the response breaks off once `is_open` says
    no. `presigned`: a player may be redirected to where it is stored, which `is_open` does not end.
    Raises JobNotFound or RecordingMissing."""
    by_redirect = query.redirect and query.pieces and not query.download
    presigned = presigned and by_redirect and request.method == "GET"
    view = jobs.get_job(services().db, owner_id=owner_id, job_id=job_id)
    recording = view.job.recording
    if not query.download and recording.playable is not None:
        try:
            copy = _copy(recording.playable, recording.filename)
            return _answer(copy, query, is_open, presigned=presigned)
        except FileNotFoundError:
            log.error("a playable copy is gone; serves the recording", job_id=job_id)
    try:
        return _answer(_submitted(recording), query, is_open, presigned=presigned)
    except FileNotFoundError:
        services().require_storage()
        raise RecordingMissing from None


@dataclass(frozen=True, slots=True)
class _File:
    """Blob to send, with its filename and media type."""

    key: str
    etag: str
    media_type: str | None
    """Media type; None: the first bytes tell it."""
    filename: str


def _submitted(recording: jobs.RecordingRecord) -> _File:
    return _File(recording.blob_key, recording.sha256, None, recording.filename)


def _copy(copy: jobs.PlayableCopy, filename: str) -> _File:
    etag = copy.key.rpartition("/")[-1]  # bytes are stored under a key once
    name = PurePath(filename).with_suffix(PLAYABLE_SUFFIX).name
    return _File(copy.key, etag, copy.media_type, name)


def _answer(
    file: _File, query: AudioQuery, is_open: Callable[[], bool], *, presigned: bool
) -> Response:
    """Respond with the file, the requested part of it, that the client has it already, or where it
    is. Raises FileNotFoundError."""
    if request.if_none_match.contains_weak(file.etag):
        unchanged = Response(status=304)
        unchanged.set_etag(file.etag)
        return unchanged
    with services().blobs.open_range(file.key, 0, HEAD_BYTES) as beginning:
        head, length = beginning.read(HEAD_BYTES), beginning.size_bytes
    content_type = file.media_type or media_type(head, file.filename)
    disposition = (attachment if query.download else inline)(file.filename)
    if presigned:
        address = services().blobs.presigned_url(
            file.key, media_type=content_type, disposition=disposition
        )
        if address is not None:
            # It is a key to the recording for a while: no cache is to have it.
            return Response(
                status=302, headers={"Location": address, "Cache-Control": "private, no-store"}
            )
    response = _audio_response(file, length, is_open, whole=not query.pieces)
    response.content_type = content_type
    response.headers["Content-Disposition"] = disposition
    return response


def _audio_response(
    file: _File, length: int, is_open: Callable[[], bool], *, whole: bool
) -> Response:
    """Respond with the file of `length` bytes, or the requested part of it.

    Raises FileNotFoundError.
    """
    etag = file.etag
    wanted = request.headers.get("Range") if request.method == "GET" else None
    if "If-Range" in request.headers and request.headers["If-Range"] != f'"{etag}"':
        wanted = None
    try:
        part = requested_part(wanted, length, most=None if whole else PIECE_BYTES)
    except OutOfRange:
        raise RequestedRangeNotSatisfiable(length) from None
    sent = range(length) if part is None else part
    sound = services().blobs.open_range(file.key, sent.start, sent.stop)
    response = Response(_chunks(sound, is_open), status=200 if part is None else 206)
    response.call_on_close(sound.close)
    response.content_length = len(sent)
    if part is not None:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{length}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Security-Policy"] = _SANDBOX_POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.set_etag(etag)
    return response


def _chunks(sound: BlobReader, is_open: Callable[[], bool]) -> Iterator[bytes]:
    # Shorter than it was, it ends early, and so does the connection: the client knows.
    while is_open() and (chunk := sound.read(_CHUNK_BYTES)):
        yield chunk


@blueprint.get("/<uuid:job_id>/peaks")
@blueprint.output(PeaksOut)
@completed_by(operations.conditional)
def get_job_peaks(job_id: UUID) -> Response:
    """Draw the recording's waveform: its loudness over time, in at most 4,000 numbers.

    There are none until the recording has been read to its end, and none of a job that was
    recognised by a version that did not measure them.
    """
    return peaks_response(owner_of(job_id), str(job_id))


def peaks_response(owner_id: str, job_id: str) -> Response:
    """Respond with the peaks of a recording. Raises JobNotFound."""
    found = jobs.get_waveform(services().db, owner_id=owner_id, job_id=job_id)
    if found is None:
        return with_digest(PeaksOut(duration=None, peaks=[]))
    return with_digest(PeaksOut(duration=round(found.duration_s, 3), peaks=list(found.peaks)))


@blueprint.get("/<uuid:job_id>/words")
@blueprint.output(WordsOut)
@blueprint.doc(responses=[409])
@completed_by(operations.conditional)
def get_job_words(job_id: UUID) -> Response:
    """Ask when each word of the transcript is spoken, in a compact form.

    `transcript?format=json` says the same at greater length.
    """
    found = jobs.get_transcript(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    below = services().settings.low_confidence
    sentences = []
    for number, sentence in enumerate(found.sentences):
        times = []
        before = round(sentence.start * 100)
        for word in sentence.words:
            start, end = round(word.start * 100), round(word.end * 100)
            times += [start - before, end - start]
            before = end
        sentences.append(
            SentenceWords(
                n=number,
                start=round(sentence.start, 2),
                words=[word.word for word in sentence.words],
                doubtful=[
                    place for place, word in enumerate(sentence.words) if is_doubtful(word, below)
                ],
                times=times,
            )
        )
    return with_digest(WordsOut(sentences=sentences))
