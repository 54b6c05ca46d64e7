"""Uploads to a bucket that nobody ended: where they are found, how large and old they are, and how
their multipart uploads are aborted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from shared.storage.blob_store import StoredEntry, is_key, key_of, require_key
from shared.storage.s3.client import Client, NoSuchUpload
from shared.storage.s3.part import Multipart
from shared.storage.s3.partial_upload import FOLDER, UploadState, objects_below, remove_objects_of

_BETWEEN = "?"
"""Stands between the key and the id of a multipart upload, in the names of `incoming`."""


def incoming(client: Client) -> Iterator[StoredEntry]:
    """Yield the multipart uploads that no row of an upload stands for: those of requests that are
    under way, and of requests that crashed."""
    begun = [
        (client.name_of(found["Key"]), found["UploadId"], found["Initiated"])
        for page in client.pages("list_multipart_uploads", "")
        for found in page.get("Uploads", ())
    ]
    begun = [one for one in begun if is_key(one[0])]
    if not begun:
        return
    unfinished = {key_of(upload_id) for upload_id, _ in _unfinished(client)}
    for key, multipart_id, begun_at in begun:
        if key in unfinished:
            continue
        try:
            parts = Multipart(client, key, multipart_id).sent().values()
        except NoSuchUpload:  # over meanwhile
            continue
        size = sum(part.size_bytes for part in parts)
        at = max([begun_at, *(part.written_at for part in parts)]).timestamp()
        yield StoredEntry(f"{key}{_BETWEEN}{multipart_id}", client.address.url(key), size, at)


def discard_incoming(client: Client, name: str) -> None:
    """Abort the multipart upload that `incoming` named."""
    key, _, multipart_id = name.partition(_BETWEEN)
    Multipart(client, require_key(key), multipart_id).abort()


def unfinished_uploads(client: Client) -> Iterator[StoredEntry]:
    """Yield the uploads in several requests, by their ids."""
    for upload_id, objects in _unfinished(client):
        state = UploadState.find(client, upload_id)
        parts = state.sent().values() if state else ()
        times = [found["LastModified"] for found in objects]
        times += [part.written_at for part in parts]
        size = sum(part.size_bytes for part in parts)
        size += max(found["Size"] for found in objects)
        where = client.address.url(f"{FOLDER}{upload_id}")
        yield StoredEntry(upload_id, where, size, max(times).timestamp())


def discard_upload(client: Client, upload_id: str) -> None:
    """Abort an upload's multipart upload, and remove what is known of it."""
    state = UploadState.find(client, upload_id)
    if state is not None:
        state.multipart.abort()
    remove_objects_of(client, upload_id)


def _unfinished(client: Client) -> Iterator[tuple[str, list[Any]]]:
    """Yield the ids of unfinished uploads, each with its objects."""

    def upload_of(found: Any) -> str:
        return client.name_of(found["Key"]).removeprefix(FOLDER).partition("/")[0]

    for upload_id, objects in groupby(objects_below(client, FOLDER), upload_of):
        yield upload_id, list(objects)
