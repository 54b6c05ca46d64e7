"""Checks of `longscribe doctor` on the addresses at which players fetch recordings from the bucket
itself."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.errors import in_a_line
from shared.settings import Settings
from shared.storage.configured import open_blob_store

WITHIN_S = 24.0
"""Seconds for both servers, of which each is given time to connect and to answer."""

_THING = "listening"
_CONNECT_S = 3.0
_ANSWER_S = 6.0
_MOST_BYTES = 4096
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")

_PASS_ON = (
    "What stands there has to lead to the server of the bucket, and to pass the Host header and "
    "the query on as they come (docs/storage.md). Until then players have the sound sent by "
    "Longscribe."
)


def check_listening(settings: Settings) -> list[Finding]:
    """Fetch the storage's id as a player fetches a recording: by a signed address, at the place
    that browsers are told. Nothing where all that is heard passes through the web server."""
    if not settings.s3_bucket:
        return []
    if not settings.s3_presigned_s:
        return [_never_used()] if settings.s3_public_endpoint else []
    blobs = open_blob_store(settings)
    try:
        identity, address = blobs.identity(), blobs.presigned_identity_url()
    except OSError:  # the check of the storage says why
        return []
    if identity is None or address is None:
        return [ok(_THING, "not tried: the storage is not taken into use yet")]
    return [_tried(address, identity)]


def _never_used() -> Finding:
    return warning(
        _THING,
        "no player is sent to LONGSCRIBE_S3_PUBLIC_ENDPOINT",
        "Set LONGSCRIBE_S3_PRESIGNED_S, to 900 for instance, or take the address away.",
    )


def _tried(address: str, identity: str) -> Finding:
    """Result of a request. The address itself is never told: whoever has it may read."""
    import urllib3  # the extra `s3` brings it, which most installations do without

    parts = urlsplit(address)
    place = f"{parts.scheme}://{parts.netloc}"
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "GET",
                address,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_ANSWER_S),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body = answer.read(_MOST_BYTES)
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        # Not a problem by itself: this machine need not reach what browsers do.
        return warning(
            _THING,
            f"{place} cannot be reached from this machine ({in_a_line(error)})",
            "See whether browsers reach it; LONGSCRIBE_S3_PUBLIC_ENDPOINT is where they are sent. "
            "A player that does not has the sound sent by Longscribe.",
        )
    if answer.status != 200:
        code = _CODE.search(body)
        said = f"HTTP {answer.status}" + (f", {code[1].decode()}" if code else "")
        return problem(_THING, f"{place} refuses a signed address ({said})", _PASS_ON)
    if body.decode("ascii", "replace").strip() != identity:
        return problem(_THING, f"{place} answers, but not with what is in the bucket", _PASS_ON)
    return ok(_THING, f"players fetch recordings at {place}, where a signed address works")
