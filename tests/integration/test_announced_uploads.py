"""Uploads that are announced to several web servers at once, on a disk that holds few of them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.support.stack import Stack

VERSION = {"Tus-Resumable": "1.0.0"}


def test_no_more_is_announced_at_once_than_the_disk_holds(stack: Stack) -> None:
    free = shutil.disk_usage(stack.folder).free
    size = str(free * 2 // 3)  # one, whatever other tests take or free of a third meanwhile
    stack.start_web(
        LONGSCRIBE_MIN_FREE_BYTES="0",
        LONGSCRIBE_WEB_WORKERS="2",
        LONGSCRIBE_MAX_UPLOAD_BYTES=str(free),
    )

    def announce(_: int) -> tuple[int, str]:
        answer = requests.post(
            f"{stack.url}/api/v1/uploads", headers=VERSION | {"Upload-Length": size}, timeout=60
        )
        return answer.status_code, answer.headers.get("Location", "")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(announce, range(24)))
    begun = [address for status, address in answers if status == 201]
    assert len(begun) == 1
    assert {status for status, _ in answers} == {201, 507}
    assert requests.delete(f"{stack.url}{begun[0]}", headers=VERSION, timeout=60).status_code == 204
    assert announce(0)[0] == 201
