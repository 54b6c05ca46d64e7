"""Addresses at which browsers get a recording from the storage itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import requests

from shared.storage.local.folder import LocalFolder

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server

AS_HEARD = {"media_type": "audio/wav", "disposition": 'inline; filename="a.wav"'}


def test_an_address_at_the_public_endpoint_gives_a_range_with_its_headers(
    s3_server: S3Server, tmp_path: Path
) -> None:
    from tests.support.s3.public import public_address
    from tests.support.s3.server import KEYS

    with public_address() as public:
        store = s3_server.bucket(tmp_path, public_endpoint=public.endpoint, presigned_s=60)
        with store.receive(max_bytes=100) as incoming:
            incoming.write(b"hello world")
            key = incoming.keep().key
        address = store.presigned_url(key, **AS_HEARD)
        assert address is not None and address.startswith(f"{public.endpoint}/")
        assert store.presigned_origin == public.endpoint
        assert "X-Amz-Expires=60&" in address
        assert KEYS["secret_access_key"] not in address
        heard = requests.get(address, headers={"Range": "bytes=1-3"}, timeout=60)
        assert (heard.status_code, heard.content) == (206, b"ell")
        assert heard.headers["Content-Type"] == "audio/wav"
        assert heard.headers["Content-Disposition"] == AS_HEARD["disposition"]
        assert heard.headers["Cache-Control"] == "private, no-cache"
        assert public.ranges == ["bytes=1-3"]


def test_there_are_none_unless_they_are_asked_for(s3_server: S3Server, tmp_path: Path) -> None:
    key = "ab/0193a1f0-7c1e-7b6a-9a51-2f0c7d1e4bab"
    for store in (LocalFolder(tmp_path, min_free_bytes=0), s3_server.bucket(tmp_path)):
        assert store.presigned_origin is None
        assert store.presigned_url(key, **AS_HEARD) is None


def test_the_origin_of_a_bucket_at_aws_is_known_without_a_key(tmp_path: Path) -> None:
    from shared.storage.s3.client import BucketAddress, Client

    at_aws = Client(BucketAddress(bucket="recordings", region="eu-central-1"))
    assert at_aws.public_origin() == "https://recordings.s3.eu-central-1.amazonaws.com"
    inner = BucketAddress("recordings", endpoint="http://s3:9000", public_endpoint="https://s3.my")
    assert Client(inner).public_origin() == "https://s3.my"
