"""What an hour costs beside the networks: decoding, filter banks, spans, text, SQL."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
import torch
from sqlalchemy import event
from sqlalchemy.orm import Session

import migrations
from shared.db import Database
from shared.states import JobStatus
from tests.bench.measuring.ledger import Ledger
from tests.support.pipeline_worker import Worker
from tests.support.speech.demo_speech import meeting
from tests.support.speech.media import encode
from worker.audio.decoder.process import DecoderProcess
from worker.audio.spool import AudioSpool
from worker.batching import windows
from worker.engine.fbank import FbankStream
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.paraformer.network import Paraformer
from worker.engine.punctuation.ct_transformer import Punctuator
from worker.engine.voice_activity.endpoints import EndpointMachine, Segmenter
from worker.engine.voice_activity.fsmn import FsmnVoiceActivity
from worker.pipeline import assemble, recognition, transcribe
from worker.pipeline.speech_source import SpeechSource

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

LIMIT_S = 20.0

NETWORKS = "the networks"
ACCOUNTS = (
    (Paraformer, "_forward", NETWORKS),
    (Punctuator, "_look", NETWORKS),
    (DecoderProcess, "read", "samples through the pipe"),
    (AudioSpool, "append", "spool, written and read"),
    (AudioSpool, "read", "spool, written and read"),
    (FbankStream, "feed", "filter banks for voice activity"),
    (Paraformer, "features", "filter banks for recognition"),
    (FsmnVoiceActivity, "feed", "stacking frames for voice activity"),
    (FsmnVoiceActivity, "finish", "stacking frames for voice activity"),
    (EndpointMachine, "feed", "where spans begin and end"),
    (Segmenter, "feed", "loudness of each 10 ms"),
    (Paraformer, "_words", "words and their times"),
    (Punctuator, "punctuate", "marks"),
    (recognition, "plan_batches", "windows and batch plans"),
    (windows.PlanningWindows, "add", "windows and batch plans"),
    (assemble, "_sentence", "sentences"),
    (transcribe, "assemble", "sentences"),
    (SpeechSource, "_decode", "handing on blocks"),
    (Session, "execute", "SQL"),
    (Session, "scalar", "SQL"),
    (Session, "commit", "SQL"),
)


def test_an_hour_of_m4a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    recording = encode(meeting(3600).samples, tmp_path / "hour.m4a", "m4a").read_bytes()
    url = f"sqlite:///{tmp_path / 'longscribe.db'}"
    migrations.upgrade(url)
    db = Database(url)
    worker = Worker(db, tmp_path)
    recogniser = load_recogniser("demo", device="cpu", cpu_threads=1)
    warm_up = worker.submit(encode(meeting(30).samples, tmp_path / "short.m4a", "m4a").read_bytes())
    worker.run(recogniser, monkeypatch)
    assert worker.job(warm_up).job.status == JobStatus.COMPLETED

    job_id = worker.submit(recording)
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    ledger = Ledger(monkeypatch)
    ledger.watch(type(recogniser._vad.model.encoder), "forward", NETWORKS)
    for owner, function, account in ACCOUNTS:
        ledger.watch(owner, function, account)
    decoder_s, own_s = _children_s(), time.process_time()
    worker.run(recogniser, monkeypatch)
    own_s, decoder_s = time.process_time() - own_s, _children_s() - decoder_s

    assert worker.job(job_id).job.status == JobStatus.COMPLETED
    networks_s = ledger.seconds.pop(NETWORKS)
    booked = dict(ledger.seconds) | {"the decoding child: AAC to 16 kHz": decoder_s}
    host_s = own_s + decoder_s - networks_s
    booked["the rest"] = host_s - sum(booked.values())
    print(f"\n1 h of m4a, bundled model, one thread; the networks {networks_s:.2f} CPU s")
    for account, seconds in sorted(booked.items(), key=lambda item: -item[1]):
        print(f"  {seconds:6.2f} CPU s  {account}")
    print(
        f"  {host_s:6.2f} CPU s  all but the networks (at most {LIMIT_S:.0f}); "
        f"{len(statements)} SQL statements"
    )
    assert host_s <= LIMIT_S


def _children_s() -> float:
    """Of processes that have ended and were waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
