"""A recording that the browser fetches from the bucket itself, by addresses that expire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from shared.db import Database
from tests.e2e.reading.site import Site, is_paused, wait_for_time
from tests.support.databases.sqlite import migrated_file
from tests.support.speech import long_transcript
from tests.support.speech.media import RATE
from tests.support.stack import Stack, running
from tests.support.stack_without_http import as_wav

if TYPE_CHECKING:
    from tests.support.s3.public import PublicAddress
    from tests.support.s3.server import S3Server

LASTS_S, MIDDLE_S, LATE_S = 600.0, 300.0, 540.0
"""20 MB, of which no browser fetches all before it plays any."""


@pytest.fixture
def public(s3_server: S3Server) -> Iterator[PublicAddress]:
    from tests.support.s3.public import public_address

    with public_address() as there:
        yield there


@pytest.fixture
def site(tmp_path: Path, s3_server: S3Server, public: PublicAddress) -> Iterator[Site]:
    url, name = migrated_file(tmp_path / "longscribe.db"), s3_server.new_bucket()
    env = s3_server.environment(name) | {
        "LONGSCRIBE_S3_PUBLIC_ENDPOINT": public.endpoint,
        "LONGSCRIBE_S3_PRESIGNED_S": "600",
        "LONGSCRIBE_MIN_FREE_BYTES": "0",
    }
    with running(Stack(tmp_path / "stack", url, env)) as stack:
        stack.start_web()
        made = Site(stack, Database(url), s3_server.bucket(tmp_path, name), "")
        sound = as_wav(np.zeros(round(LASTS_S * RATE), np.int16))
        made.job_id = made.add(sound, long_transcript.transcript(LASTS_S / 3600, 100))
        yield made
        made.db.dispose()


def test_a_player_is_sent_there_and_asks_anew_once_its_address_has_expired(
    site: Site, public: PublicAddress, context: BrowserContext
) -> None:
    answers: list[int] = []
    context.on(
        "response",
        lambda answer: answers.append(answer.status) if "/audio?" in answer.url else None,
    )
    page = site.open(context)
    play = page.get_by_role("button", name="Play", exact=True)
    play.click()
    wait_for_time(page, 0.3, LASTS_S)
    assert set(answers) == {302}
    assert public.ranges and not public.refused
    assert site.complaints == [], "no policy of the page stands against it"

    public.expire()
    page.locator("#player .seek").fill(str(LATE_S))
    wait_for_time(page, LATE_S + 0.3, LASTS_S)
    assert not is_paused(page)
    assert public.refused
    expect(page.locator("#player .trouble")).to_be_hidden()

    public.close()
    page.locator("#player .seek").fill(str(MIDDLE_S))
    wait_for_time(page, MIDDLE_S + 0.3, LATE_S)
    assert set(answers) == {302, 206}, "through the server, where it is not reached there"
    assert not is_paused(page)
    expect(page.locator("#player .trouble")).to_be_hidden()
