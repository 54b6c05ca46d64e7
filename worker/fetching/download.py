"""Download of a recording from an address into an upload, continued from where it stood.

What has come is synced, then told by the upload's row, as of an upload that a client sends: a
crash costs what came since the last sync.  It is gone on with where the address says that it still
gives the same (Range and If-Range), and begun anew else.
"""

from __future__ import annotations

import re
import time
from http.client import HTTPResponse

from shared.db import Database
from shared.errors import UploadExpired, UploadNotFound
from shared.fetches import fetch_queue
from shared.fetches.errors import FetchRefused, SourceBusy
from shared.fetches.fetch_queue import FetchClaim
from shared.outbound.addresses import Target
from shared.outbound.errors import Unreachable
from shared.outbound.exchange import Exchange, ExchangeStopper
from shared.outbound.retry_after import retry_after_s
from shared.quotas.limits import owner_limits
from shared.settings import Settings
from shared.storage import space_reservations, uploads
from shared.storage.blob_store import BlobStore, StoredBlob, UnfinishedUpload
from shared.storage.measured_space import require_space
from shared.storage.upload_size_limit import too_large

MOST_REDIRECTS = 5

_STEP_BYTES = 16 * 2**20
"""Room that is reserved at a time where the address does not tell the length."""

_SYNC_EVERY_BYTES = 16 * 2**20
_SYNC_EVERY_S = 2.0
_READ_BYTES = 32 * 1024
_HOLD_WAIT_S = 5.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})

_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class Download:
    """Fetches what a claim names. `stop` may be called from another thread.

    `has_moved` says whether it brought something.
    """

    def __init__(
        self, claim: FetchClaim, settings: Settings, db: Database, blobs: BlobStore
    ) -> None:
        self._claim = claim
        self._settings = settings
        self._rules = settings.outbound_rules
        self._db = db
        self._blobs = blobs
        self._until = time.monotonic() + claim.left_s
        self._total = claim.size_bytes
        self._validator = claim.validator
        self._stopper = ExchangeStopper()
        self._durable = 0
        self._synced_at = time.monotonic()
        self.has_moved = False

    def stop(self) -> None:
        """End it now; what has come is kept."""
        self._stopper.stop()

    def run(self) -> StoredBlob:
        """Fetch the rest of it. Raises errors of ours, Cancelled and FenceLost among them, or
        Stopped; what has come is kept for the next attempt."""
        upload = self._upload()
        with self._blobs.hold_upload(upload.id, wait_s=_HOLD_WAIT_S) as held:
            upload = self._find()
            self._durable = upload.received_bytes
            if upload.is_length_deferred:  # else all of it came before a crash
                upload = self._fetch(held, upload)
                if not upload.received_bytes:
                    raise FetchRefused("The address gives an empty file.")
                uploads.set_length(self._db, upload, upload.received_bytes, self._room())
                fetch_queue.renew(self._db, self._claim)
            return held.keep(upload.received_bytes)

    def _upload(self) -> uploads.UploadRecord:
        """The upload that this goes into, which the first attempt begins."""
        try:
            return self._find()
        except UploadExpired:
            uploads.forget(self._db, owner_id=self._claim.owner_id, upload_id=self._claim.fetch_id)
        except UploadNotFound:
            pass
        self._blobs.begin_upload(self._claim.fetch_id)
        return uploads.create(
            self._db,
            upload_id=self._claim.fetch_id,
            owner_id=self._claim.owner_id,
            size_bytes=min(_STEP_BYTES, self._settings.max_upload_bytes),
            filename=self._claim.filename,
            described="",
            kept_s=self._kept_s(),
            room=self._room(),
            is_length_deferred=True,
        )

    def _find(self) -> uploads.UploadRecord:
        claim = self._claim
        return uploads.find(self._db, owner_id=claim.owner_id, upload_id=claim.fetch_id)

    def _fetch(self, held: UnfinishedUpload, upload: uploads.UploadRecord) -> uploads.UploadRecord:
        target = self._rules.read(self._claim.url)
        for _ in range(1 + MOST_REDIRECTS):
            found = self._ask(target, held, upload)
            if isinstance(found, uploads.UploadRecord):
                return found
            target = found
        raise FetchRefused(f"The address sends us elsewhere more than {MOST_REDIRECTS} times.")

    def _ask(
        self, target: Target, held: UnfinishedUpload, upload: uploads.UploadRecord
    ) -> uploads.UploadRecord | Target:
        """Fetch from `target`; the upload, or the address that it sends us to."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
        if self._durable and self._validator:
            headers |= {"Range": f"bytes={self._durable}-", "If-Range": self._validator}
        with Exchange(
            target,
            self._rules,
            timeout_s=max(1.0, self._until - time.monotonic()),
            silence_s=self._settings.upload_silence_s,
        ) as exchange:
            self._stopper.take(exchange)
            response = exchange.open("GET", headers=headers)
            if response.status in _REDIRECTS:
                location = response.getheader("Location", "")
                return self._rules.read_from(target, location)
            at = self._begin(response, held, upload)
            return self._take(exchange, held, self._find(), at)

    def _begin(
        self, response: HTTPResponse, held: UnfinishedUpload, upload: uploads.UploadRecord
    ) -> int:
        """Offset in bytes at which the answer continues; bytes received before are dropped where it
        is 0."""
        if response.status == 416:  # what is here is longer than what is there by now
            self._begin_anew_next_time()
            raise SourceBusy("The recording at the address has changed.")
        _require_recording(response)
        at, total = 0, response.length
        if response.status == 206:
            told = _RANGE.fullmatch(response.getheader("Content-Range", ""))
            if told is None or int(told[1]) != self._durable:
                self._begin_anew_next_time()
                raise Unreachable("The address does not go on where it was asked to.")
            at = self._durable
            total = None if told[2] == "*" else int(told[2])
        if total is not None and total > self._settings.max_upload_bytes:
            raise too_large(self._settings.max_upload_bytes)
        held.cut(at)
        if at != self._durable:
            self._advance(at)
        self._total = total
        self._validator = _validator_of(response)
        self._tell()
        return at

    def _begin_anew_next_time(self) -> None:
        self._validator = None
        self._tell()

    def _take(
        self, exchange: Exchange, held: UnfinishedUpload, upload: uploads.UploadRecord, at: int
    ) -> uploads.UploadRecord:
        begun_at = at
        try:
            while some := exchange.read(_READ_BYTES):
                upload = self._with_room(upload, at + len(some))
                held.write(some)
                at += len(some)
                since_s = time.monotonic() - self._synced_at
                if at - self._durable >= _SYNC_EVERY_BYTES or since_s >= _SYNC_EVERY_S:
                    self._commit(held, at)
                    require_space(self._blobs)
        finally:
            self.has_moved = at > begun_at
            self._commit(held, at)
        return self._find()

    def _commit(self, held: UnfinishedUpload, at: int) -> None:
        """Make the bytes up to `at` durable, then tell it."""
        if at != self._durable:
            held.sync()
            self._advance(at)
        self._tell()

    def _advance(self, at: int) -> None:
        uploads.advance(
            self._db,
            owner_id=self._claim.owner_id,
            upload_id=self._claim.fetch_id,
            offset=self._durable,
            to=at,
            kept_s=self._kept_s(),
        )
        self._durable = at

    def _tell(self) -> None:
        self._synced_at = time.monotonic()
        fetch_queue.note_progress(
            self._db,
            self._claim,
            received_bytes=self._durable,
            size_bytes=self._total,
            validator=self._validator,
        )

    def _with_room(self, upload: uploads.UploadRecord, size_bytes: int) -> uploads.UploadRecord:
        if size_bytes <= upload.size_bytes:
            return upload
        most = self._settings.max_upload_bytes
        if size_bytes > most:
            raise too_large(most)
        wanted = min(most, max(size_bytes, self._total or upload.size_bytes + _STEP_BYTES))
        return uploads.reserve_up_to(self._db, upload, wanted, self._room())

    def _room(self) -> space_reservations.Room:
        return space_reservations.room_of(self._blobs, owner_limits(self._settings))

    def _kept_s(self) -> float:
        return self._settings.upload_expires_hours * 3600


def _require_recording(response: HTTPResponse) -> None:
    """Check an answer's status and type. Raises FetchRefused or SourceBusy unless the answer may be
    a recording."""
    status = response.status
    if status in _BUSY:
        raise SourceBusy(
            f"The address answered {status}: it cannot give the recording just now.",
            retry_after_s=retry_after_s(response.getheader("Retry-After", "")),
        )
    if status not in (200, 206):
        raise FetchRefused(
            f"The address answered {status} and gives no recording. Check that it can be opened "
            "without signing in."
        )
    if response.getheader("Content-Encoding", "identity").lower() not in ("", "identity"):
        raise FetchRefused("The address gives the recording compressed, although not asked to.")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "text/html":
        raise FetchRefused(
            "The address leads to a web page and not to a recording. Give the address of the file "
            "itself."
        )


def _validator_of(response: HTTPResponse) -> str | None:
    """Validator with which the next attempt asks for the rest of the same file: a strong ETag, or
    the time of its last change."""
    etag = response.getheader("ETag", "")
    if etag.startswith('"') and len(etag) <= 300:
        return etag
    changed = response.getheader("Last-Modified", "")
    return changed if 0 < len(changed) <= 300 else None
