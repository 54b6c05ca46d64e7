"""Decoding and voice activity, on a thread beside the one that recognises.

The decoder is another process and the recogniser may be a GPU, so while a window of the recording
is recognised the next one is already being decoded.  The samples go to the spool on disk; only the
spans wait in memory.  Where a job wants tracks or channels heard by themselves, the recording is
decoded once for each, and they follow each other in the spool.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.jobs import Waveform
from shared.traces import record
from shared.transcripts.recording_report import RecordingReport
from shared.transcripts.sound_selection import SoundSelection
from shared.transcripts.values import SAMPLE_BYTES
from worker.audio.decode import DecodedAudio, DecodeLimits, decode
from worker.audio.decoder.claims import HeaderClaim
from worker.audio.playable.facts import facts_of, with_outcome
from worker.audio.playable.needed import RecordingFacts
from worker.audio.playable.signature import read_signature
from worker.audio.player_waveform import PlayerWaveform
from worker.audio.report import combine_reports
from worker.audio.spool import AudioSpool
from worker.audio.takes import Take, TakesClock, single_take, takes_of
from worker.recogniser import SAMPLE_RATE, Pcm, SpeechSpan, VoiceActivityDetector

_WAIT_S = 0.2
"""Seconds to wait for the decoder before asking again whether the attempt must stop."""


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """Decoded block: the spans of speech now certain, and the seconds decoded by then."""

    spans: list[SpeechSpan]
    seconds: float


class _End:
    """End of the blocks: the recording has ended, or `error` has ended its decoding."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class SpeechSource:
    """Fills `spool` from `recording`, a path or a descriptor, while it is entered.

    `expected_s` is the length that the recording's header claims, or None; it is known once
    `blocks` has yielded.  `require_space` is given the bytes that are still to be written and
    raises if there is no room.  `new_detector` gives a detector for each take; with None there is
    only decoding, and no spans.
    """

    def __init__(
        self,
        recording: Path | int,
        spool: AudioSpool,
        new_detector: Callable[[], VoiceActivityDetector] | None,
        *,
        selection: SoundSelection,
        limits: DecodeLimits,
        require_space: Callable[[int], None],
    ) -> None:
        self._recording = recording
        self._spool = spool
        self._new_detector = new_detector
        self._selection = selection
        self._limits = limits
        self._require_space = require_space
        self._blocks: queue.SimpleQueue[SourceBlock | _End] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="speech source", daemon=True)
        self._reports: list[RecordingReport] = []
        self._waveform = PlayerWaveform()
        self._began_ns = self._ended_ns = 0
        self._listening_s = 0.0
        self._error: BaseException | None = None
        self.expected_s: float | None = None
        self.facts: RecordingFacts | None = None
        """Facts known by now of how browsers play it; set before the first block."""
        self.clock = TakesClock()
        """Clock of the samples that are in the spool by now."""

    @property
    def waveform(self) -> Waveform | None:
        """Waveform of the recording, after `blocks` has ended; None where there is no sound."""
        return self._waveform.waveform()

    @property
    def report(self) -> RecordingReport:
        """Report on the recording's file, after `blocks` has ended."""
        return combine_reports(self._reports)

    def blocks(self, check: Callable[[], None]) -> Iterator[SourceBlock]:
        """The blocks in order, up to the recording's end; `check` is called before each wait.

        Raises what decoding, voice activity and the spool raise.
        """
        while True:
            check()
            try:
                item = self._blocks.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _run(self) -> None:
        try:
            self._decode()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._error = error
            self._ended_ns = time.time_ns()
            self._blocks.put(_End(error))
        else:
            self._ended_ns = time.time_ns()
            self._blocks.put(_End())

    def _decode(self) -> None:
        # Entered and read on this thread: the kernel kills the decoder with the thread it knows.
        single = single_take(self._selection)
        if single is not None:
            takes: tuple[Take, ...] = (single,)
        else:
            with self._decoder(Take()) as audio:  # for its header
                takes = takes_of(self._selection, audio.header)
        for take in takes:
            self._decode_take(take, takes=len(takes))

    def _decode_take(self, take: Take, *, takes: int) -> None:
        start = self._spool.samples
        detector = self._new_detector() if self._new_detector else None
        self._waveform.begin_take()
        with self._decoder(take) as audio:
            if audio.duration_s is not None:
                self.expected_s = takes * audio.duration_s
            self.clock.begin(start, take, audio.clock)
            self._note_header(audio.header, take)
            needed = self._spool.samples * SAMPLE_BYTES + self._expected_bytes()
            # What the first take reserved for all of them counts as used.
            self._require_space(max(0, needed - self._spool.reserved_bytes))
            self._spool.reserve(needed)
            for block in audio:
                if self._stopped.is_set():
                    return
                if not self._spool.is_within_reserve:
                    self._require_space(0)
                self._spool.append(block)
                self._waveform.feed(block, audio.clock)
                found = self._heard(detector.feed, block) if detector else []
                self._blocks.put(SourceBlock(_moved(found, start), self._spool.seconds))
            self._reports.append(audio.report)
            self._note_outcome(audio)
        last = self._heard(detector.finish) if detector else []
        self._blocks.put(SourceBlock(_moved(last, start), self._spool.seconds))

    def _heard(self, listen: Callable[..., list[SpeechSpan]], *pcm: Pcm) -> list[SpeechSpan]:
        """Run voice activity detection and count its time."""
        began = time.perf_counter()
        try:
            return listen(*pcm)
        finally:
            self._listening_s += time.perf_counter() - began

    def _note_header(self, header: HeaderClaim, take: Take) -> None:
        if self.facts is None:
            # Of the first take, yet the others are in the transcript too.
            each = self._selection.tracks == "each" and take.track is not None
            among = (track for track in header.tracks if track.decodable) if each else header.heard
            heard = {track.number for track in among}
            self.facts = facts_of(header, heard, read_signature(self._recording))

    def _note_outcome(self, audio: DecodedAudio) -> None:
        if self.facts is not None:
            even = audio.has_even_bit_rate
            self.facts = with_outcome(self.facts, self.report, has_even_bit_rate=even)

    def _decoder(self, take: Take) -> DecodedAudio:
        return decode(
            self._recording,
            limits=self._limits,
            abandoned=self._stopped,
            track=take.track,
            channel=take.channel,
        )

    def _expected_bytes(self) -> int:
        """Bytes of the decoded recording, if its header is right and it is not too long."""
        expected_s = min(self.expected_s or 0.0, self._limits.max_audio_s)
        return max(0, int(expected_s * SAMPLE_RATE) - self._spool.samples) * SAMPLE_BYTES

    def __enter__(self) -> Self:
        self._began_ns = time.time_ns()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._trace()

    def _trace(self) -> None:
        """Note decoding and voice activity, which take turns on the one thread."""
        began, ended = self._began_ns, self._ended_ns or time.time_ns()
        record(
            "decode",
            began=began,
            ended=ended,
            failed=self._error,
            seconds=self._spool.seconds,
            busy_s=max(0.0, (ended - began) / 1e9 - self._listening_s),
        )
        if self._new_detector is not None:
            record("voice_activity", began=began, ended=ended, busy_s=self._listening_s)


def _moved(spans: Sequence[SpeechSpan], by: int) -> list[SpeechSpan]:
    return [SpeechSpan(span.start + by, span.end + by) for span in spans] if by else list(spans)
