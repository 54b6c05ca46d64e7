"""A recording of 3 GB over a line that breaks, through gunicorn."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

import migrations
from shared.db import Database
from shared.models import Recording
from tests.bench.measuring.memory import MB, PeakResident, process_tree, resident_bytes
from tests.support.stack import Stack, running, wait_for
from tests.support.web import tus_client
from tests.support.web.tus_client import MIB

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SIZE_BYTES = 3 * 10**9
CUTS = 10
SEED = 20261123
LIMIT = 64 * MB


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    url = f"sqlite:///{tmp_path / 'longscribe.db'}"
    migrations.upgrade(url)
    with running(Stack(tmp_path / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0"})) as made:
        yield made


def test_a_recording_of_3_gb_that_is_cut_ten_times(stack: Stack) -> None:
    web = stack.start_web()
    requests.get(f"{stack.url}/", timeout=30)
    recording = tus_client.Recording(SIZE_BYTES, seed=SEED)
    upload = tus_client.Upload.begin(stack.url, SIZE_BYTES, filename="会议.wav")
    draw = random.Random(SEED)
    offsets = sorted(draw.sample(range(1, SIZE_BYTES), CUTS))
    before = {pid: resident_bytes(pid) for pid in process_tree(web.pid)}
    sent = 0
    began = time.monotonic()
    with PeakResident(web.pid) as of_web:
        at = 0
        for cut_at in offsets:
            if cut_at > at:
                upload.send_until_cut(recording, at, cut_at)
                sent += cut_at - at
            wait_for(lambda: upload.append(0, b"").status_code != 423, what="the line to be free")
            at = upload.offset()
        rest = _from(recording, at)
        assert upload.append(at, rest).status_code == 204
        sent += SIZE_BYTES - at
        uploaded = time.monotonic() - began
        submitted = upload.submit()
        assert submitted.status_code == 202, submitted.text
    seconds = time.monotonic() - began
    grown = max(of_web.bytes_of[pid] - size for pid, size in before.items())
    db = Database(stack.database_url)
    with db.reading() as session:
        stored = session.scalars(select(Recording.sha256)).one()
    db.dispose()
    print(
        f"\n{SIZE_BYTES / 1e9:.0f} GB cut {CUTS} times (seed {SEED}): "
        f"uploaded in {uploaded:.0f} s, {(sent - SIZE_BYTES) / MIB:.1f} MiB sent twice, "
        f"hashed and submitted in {seconds - uploaded:.1f} s; "
        f"web +{grown / MB:.1f} MB (limit {LIMIT / MB:.0f})"
    )
    assert stored == recording.sha256()
    assert grown < LIMIT


def _from(recording: tus_client.Recording, at: int) -> Iterator[bytes]:
    while at < recording.size_bytes:
        piece = recording.read(at, MIB)
        yield piece
        at += len(piece)
