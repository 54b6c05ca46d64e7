"""One job from its recording to its transcript; read it from top to bottom.

    recording -> samples and voice activity, together -> batch plan, stored
              -> batch by batch: recognise, commit -> punctuate -> assemble

Whatever ends an attempt in between, the next one finds the plan and the finished batches in SQL,
decodes again and goes on with the batch that was missing.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import structlog

from shared import jobs
from shared.blobs import BlobStore
from shared.db import Database
from shared.errors import NoAudio, RecognitionFailed
from shared.settings import Settings
from shared.states import Stage
from shared.transcript import Transcript, Word
from worker.assemble import assemble
from worker.batch_sizer import BatchSizer
from worker.batching import plan_batches
from worker.decode import DecodedAudio, DecodeLimits, decode
from worker.recogniser import (
    SAMPLE_RATE,
    BatchOutOfMemory,
    Pcm,
    Recogniser,
    SpeechSpan,
    VoiceActivityDetector,
)
from worker.spool import AudioSpool
from worker.workdir import job_folder

log = structlog.get_logger(__name__)

LANGUAGE = "zh"
"""What Paraformer-zh recognises; English terms within it included."""

_PLAN_VERSION = 1
"""Raise it when a change to decoding or segmentation moves spans or alters words."""

# Shares of the progress bar, by where the time goes on the CPU and the GPU alike.
_DECODED = 0.15
_RECOGNISED = 0.97


@dataclass(frozen=True, slots=True)
class Tools:
    """What an attempt works with; the same for all jobs of a worker."""

    settings: Settings
    db: Database
    blobs: BlobStore
    recogniser: Recogniser
    batch_sizer: BatchSizer


def transcribe(tools: Tools, claim: jobs.Claim, check: Callable[[], None]) -> Transcript:
    """Run the job of `claim` up to its transcript, which the caller stores.

    `check` is called between blocks and batches and raises when the attempt must stop.
    Raises the errors of shared.errors.
    """
    key = plan_key(tools)
    with (
        job_folder(tools.settings.work_dir, claim.job_id) as folder,
        AudioSpool(folder / "audio.pcm") as spool,
    ):
        segments = jobs.stored_plan(tools.db, claim, key)
        spans, warnings = _listen(tools, claim, check, spool, segments)
        segments = _plan(tools, claim, key, spool, spans, segments)
        jobs.set_stage(tools.db, claim, Stage.RECOGNISING)
        words = _recognise(tools, claim, check, spool, segments)
        duration = spool.seconds
    jobs.set_stage(tools.db, claim, Stage.PUNCTUATING, progress=_RECOGNISED)
    marks = tools.recogniser.punctuate([word.word for word in words])
    check()
    jobs.set_stage(tools.db, claim, Stage.SAVING)
    return assemble(
        words,
        marks,
        duration=duration,
        language=LANGUAGE,
        model=tools.recogniser.identity.name,
        warnings=warnings,
    )


def plan_key(tools: Tools) -> str:
    """Everything that decides what a span is and what is heard in it, hashed: segments stored
    under another key belong to another text."""
    settings = tools.settings
    decides = [
        _PLAN_VERSION,
        asdict(tools.recogniser.identity) | {"device": None},
        settings.vad_end_silence_ms,
        settings.max_segment_s,
    ]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _listen(
    tools: Tools,
    claim: jobs.Claim,
    check: Callable[[], None],
    spool: AudioSpool,
    planned: Sequence[jobs.RecognisedSegment] | None,
) -> tuple[list[SpeechSpan], list[str]]:
    """Decode the recording into `spool` and find speech in it as it comes; with a plan in hand
    only decode.  Gives the spans and the warnings."""
    limits = DecodeLimits(max_audio_s=tools.settings.max_audio_s)
    detector = tools.recogniser.voice_activity() if planned is None else None
    spans: list[SpeechSpan] = []
    shown = 0.0
    with decode(tools.blobs.path(claim.blob_key), limits=limits) as audio:
        for block in audio:
            check()
            spool.append(block)
            if detector is not None:
                spans += detector.feed(block)
            progress = _decoding_progress(audio, spool)
            if progress - shown >= 0.01:
                shown = progress
                tools.blobs.require_space(0)
                jobs.set_stage(tools.db, claim, Stage.DECODING, progress=progress)
        summary = audio.summary
    if spool.samples == 0:
        raise NoAudio
    jobs.set_stage(tools.db, claim, Stage.SEGMENTING, progress=_DECODED, duration_s=spool.seconds)
    spans += _last_spans(detector)
    warnings = ["damaged_audio_skipped"] if summary.corrupt_packets else []
    return spans, warnings


def _last_spans(detector: VoiceActivityDetector | None) -> list[SpeechSpan]:
    return [] if detector is None else detector.finish()


def _decoding_progress(audio: DecodedAudio, spool: AudioSpool) -> float:
    expected = audio.duration_s
    if not expected:
        return 0.0
    return _DECODED * min(1.0, spool.seconds / expected)


def _plan(
    tools: Tools,
    claim: jobs.Claim,
    key: str,
    spool: AudioSpool,
    spans: Sequence[SpeechSpan],
    planned: list[jobs.RecognisedSegment] | None,
) -> list[jobs.RecognisedSegment]:
    """Choose the batch size, and form the batches unless an earlier attempt already has."""
    decision = tools.batch_sizer.choose(spool.seconds)
    identity = tools.recogniser.identity
    jobs.note_batch_choice(
        tools.db,
        claim,
        jobs.BatchRecord(
            model=identity.name,
            device=identity.device,
            batch_size_s=decision.batch_size_s,
            batch_reason=decision.reason,
            length_ceiling_s=decision.length_ceiling_s,
            memory_cap_s=decision.memory_cap_s,
            headroom_bytes=decision.headroom_bytes,
            predicted_peak_bytes=decision.predicted_peak_bytes,
        ),
    )
    if planned is not None:
        return planned
    plan = plan_batches(spans, decision.batch_size_s)
    batch_of = {
        index: number for number, batch in enumerate(plan.batches) for index in batch.indices
    }
    segments = [
        jobs.PlannedSegment(span.start, span.end, batch_of[index])
        for index, span in enumerate(spans)
    ]
    jobs.store_plan(tools.db, claim, key, segments)
    log.info(
        "planned",
        segments=len(segments),
        batches=len(plan.batches),
        padding=round(plan.padding, 3),
        batch_size_s=decision.batch_size_s,
        reason=decision.reason,
    )
    return [
        jobs.RecognisedSegment(segment.start_sample, segment.end_sample, segment.batch, None)
        for segment in segments
    ]


def _recognise(
    tools: Tools,
    claim: jobs.Claim,
    check: Callable[[], None],
    spool: AudioSpool,
    segments: list[jobs.RecognisedSegment],
) -> list[Word]:
    """Recognise and commit every batch that is not done, then give all words in order of time."""
    missing: dict[int, list[jobs.RecognisedSegment]] = defaultdict(list)
    for segment in segments:
        if segment.words is None:
            missing[segment.batch].append(segment)
    samples = sum(_length(segment) for segment in segments)
    done = {_span(segment): segment for segment in segments if segment.words is not None}
    for number in sorted(missing):
        todo = [missing[number]]
        while todo:
            check()
            # The ceiling may have fallen since this batch was formed.
            batch, *rest = tools.batch_sizer.fit(todo.pop(0))
            todo[:0] = rest
            try:
                recognised = _recognise_batch(tools.recogniser, spool, batch)
            except BatchOutOfMemory:
                tools.batch_sizer.ran_out(
                    batch
                )  # raises OutOfMemory when there is nothing to halve
                todo.insert(0, batch)
                jobs.record_oom_retry(tools.db, claim, tools.batch_sizer.ceiling_s)
                log.warning("batch out of memory", segments=len(batch))
                continue
            done |= {_span(segment): segment for segment in recognised}
            share = sum(_length(segment) for segment in done.values()) / samples
            jobs.save_batch(
                tools.db,
                claim,
                recognised,
                progress=_DECODED + (_RECOGNISED - _DECODED) * share,
            )
    return [
        Word(word, start, end)
        for segment in sorted(done.values(), key=_span)
        for word, start, end in segment.words or ()
    ]


def _recognise_batch(
    recogniser: Recogniser, spool: AudioSpool, batch: Sequence[jobs.RecognisedSegment]
) -> list[jobs.RecognisedSegment]:
    speech: list[Pcm] = [spool.read(segment.start_sample, segment.end_sample) for segment in batch]
    results = recogniser.recognise(speech)
    if len(results) != len(batch):
        # Never zip what may not belong together: FunASR itself gives one empty result for a
        # whole batch in which nothing was recognised.
        raise RecognitionFailed(f"The model gave {len(results)} results for {len(batch)} segments.")
    return [
        jobs.RecognisedSegment(
            segment.start_sample,
            segment.end_sample,
            segment.batch,
            [_placed(word, segment.start_sample / SAMPLE_RATE) for word in words],
        )
        for segment, words in zip(batch, results, strict=True)
    ]


def _placed(word: Word, offset_s: float) -> tuple[str, float, float]:
    """A word's times in the recording, rounded to the millisecond they are known to."""
    return word.word, round(offset_s + word.start, 3), round(offset_s + word.end, 3)


def _span(segment: jobs.RecognisedSegment) -> tuple[int, int]:
    return segment.start_sample, segment.end_sample


def _length(segment: jobs.RecognisedSegment) -> int:
    return segment.end_sample - segment.start_sample
