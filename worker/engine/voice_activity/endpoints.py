"""Conversion of frame decisions to spans of speech: FSMN-VAD's endpoint rules as an integer
machine.

The network says every 10 ms whether somebody speaks; this module says where spans begin and end.
It is fed block by block, carries its state, and gives the same spans whatever the blocks are.

The rules are those of FunASR 1.4.16 (`FsmnVADStreaming.DetectOneFrame`) with every threshold
explicit.  Two things of FunASR's are deliberately left out.  Its dynamic silence threshold, which
moves between 50 ms and 1,850 ms with the length of the open span, so that the same audio splits
differently from minute to minute.  And its hard cut at `max_single_segment_time`, in the middle of
whatever is being said: here a span that grows too long is cut at its quietest point.

Units: frames are 10 ms, samples are 1/16,000 s, settings are milliseconds unless named `_s`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worker.recogniser import SAMPLE_RATE, Pcm, SpeechSpan

FRAME_MS = 10
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000

FrameSpan = tuple[int, int]
"""Frames [start, end)."""


@dataclass(frozen=True, slots=True)
class VoiceActivityOptions:
    """Thresholds between the network's output and a span of speech.

    The defaults are those of iic/speech_fsmn_vad_zh-cn-16k-common-pytorch (v2.0.4); names in
    brackets are FunASR's.  FunASR's level thresholds (decibel_thres, snr_thres) are -100 dB in
    that model, which no signal falls below, and are not repeated here.
    """

    speech_margin: float = 0.6
    """A frame is speech when P(speech) is at least P(silence) plus this (speech_noise_thres)."""
    window_ms: int = 200
    """Length of the sliding window over frame decisions (window_size_ms)."""
    speech_onset_ms: int = 150
    """Least speech within the window that begins speech (sil_to_speech_time_thres)."""
    speech_offset_ms: int = 150
    """Most speech within the window at which silence begins (speech_to_sil_time_thres)."""
    end_silence_ms: int = 800
    """Silence that ends a span (max_end_silence_time).

    FunASR takes `speech_offset_ms` off it, begins to count when the window has emptied that far,
    and counts on until `speech_onset_ms` of new speech are in it: at the defaults a pause of
    50 + 650 - 140 = 560 ms ends a span."""
    lead_in_ms: int = 200
    """Audio kept before the window in which speech began (lookback_time_start_point)."""
    lead_out_ms: int = 100
    """Audio kept after the last speech (lookahead_time_end_point)."""
    hard_limit_ms: int | None = None
    """Ends a span wherever it is (max_single_segment_time). None, the default, leaves that to
    `max_segment_s`; comparing with FunASR is what it is for."""
    max_segment_s: float = 60.0
    """A longer span is cut at its quietest point. Bounds the memory of one span."""
    cut_search_s: float = 15.0
    """Seconds before the limit in which that point is looked for."""
    cut_margin_s: float = 1.0
    """Left out of the search just before the limit, so that no sliver of a span remains."""

    def __post_init__(self) -> None:
        for name in ("window_ms", "speech_onset_ms", "speech_offset_ms", "end_silence_ms"):
            if getattr(self, name) < FRAME_MS:
                raise ValueError(f"{name} must be at least one frame of {FRAME_MS} ms")
        if self.speech_onset_ms < 2 * FRAME_MS or self.speech_onset_ms > self.window_ms:
            raise ValueError("speech_onset_ms must lie between two frames and window_ms")
        if self.lead_in_ms < 0 or self.lead_out_ms < 0:
            raise ValueError("lead_in_ms and lead_out_ms cannot be negative")
        if not 0 < self.cut_margin_s < self.cut_search_s < self.max_segment_s:
            raise ValueError("0 < cut_margin_s < cut_search_s < max_segment_s must hold")

    def bounded(self, longest_s: float) -> VoiceActivityOptions:
        """Options bounded for a recogniser that takes no span longer than `longest_s`.

        The search for the quietest point then covers the second half of a span at most.
        """
        if longest_s >= self.max_segment_s:
            return self
        search = min(self.cut_search_s, longest_s / 2)
        return replace(self, max_segment_s=longest_s, cut_search_s=search)


DEFAULT_OPTIONS = VoiceActivityOptions()


class EndpointMachine:
    """Frame decisions in, closed spans of frames out; one per recording."""

    def __init__(self, options: VoiceActivityOptions = DEFAULT_OPTIONS) -> None:
        self._window_frames = options.window_ms // FRAME_MS
        self._onset_frames = options.speech_onset_ms // FRAME_MS
        self._offset_frames = options.speech_offset_ms // FRAME_MS
        self._latency_frames = self._window_frames + options.lead_in_ms // FRAME_MS
        self._lead_out_frames = options.lead_out_ms // FRAME_MS
        trailing_ms = max(0, options.end_silence_ms - options.speech_offset_ms)
        self._trailing_frames = -(-trailing_ms // FRAME_MS)
        # The span ends this many frames before the one that proved the silence.
        self._look_back = max(0, trailing_ms // FRAME_MS - self._lead_out_frames - 1)
        limit = options.hard_limit_ms
        self._limit_frames = math.inf if limit is None else limit / FRAME_MS
        self._frame = 0  # number of the next frame
        self._held: bool | None = None  # the newest decision: only finish() knows it is the last
        self._free_from = 0  # first frame that no span has taken and no silence has passed
        self._open_start: int | None = None
        self._confirmed_end = 0  # the open span is certain to reach here
        self._window: deque[bool] = deque(maxlen=self._window_frames)
        self._window_sum = 0
        self._speaking = False
        self._silent_frames = 0

    @property
    def open_span(self) -> FrameSpan | None:
        """The part of the open span that is certain already, if one is open."""
        if self._open_start is None:
            return None
        return self._open_start, self._confirmed_end

    @property
    def earliest_start(self) -> int:
        """Frame before which no span still to come begins."""
        if self._open_start is not None:
            return self._open_start
        return self._free_from

    def feed(self, speech: NDArray[np.bool_]) -> list[FrameSpan]:
        """Take the decisions of the next frames; give the spans that they closed."""
        spans: list[FrameSpan] = []
        for decision in speech.tolist():
            if self._held is not None:
                spans += self._advance(self._held, last=False)
            self._held = decision
        return spans

    def finish(self) -> list[FrameSpan]:
        """End the input: give the span that is still open, if any."""
        if self._held is None:
            return []
        spans = self._advance(self._held, last=True)
        self._held = None
        if self._open_start is not None:  # speech was found in the very last frame
            spans += self._close(self._frame - 1)
        return spans

    def _advance(self, speech: bool, *, last: bool) -> list[FrameSpan]:
        now = self._frame
        self._frame += 1
        self._window_sum += speech
        if len(self._window) == self._window_frames:
            self._window_sum -= self._window[0]
        self._window.append(speech)
        if not self._speaking and self._window_sum >= self._onset_frames:
            self._speaking = True
            self._silent_frames = 0
            if self._open_start is None:
                self._open_start = max(self._free_from, now - self._latency_frames)
                self._take(now)
                return []
        elif self._speaking and self._window_sum <= self._offset_frames:
            self._speaking = False
            self._silent_frames = 0
        elif not self._speaking:
            return self._stay_silent(now, last=last)
        return self._extend(now, last=last)

    def _stay_silent(self, now: int, *, last: bool) -> list[FrameSpan]:
        self._silent_frames += 1
        if self._open_start is None:
            self._free_from = max(self._free_from, now - self._latency_frames)
            return []
        if self._silent_frames >= self._trailing_frames:
            return self._close(now - self._look_back)
        if self._silent_frames > self._lead_out_frames and not last and not self._too_long(now):
            return []
        return self._extend(now, last=last)

    def _extend(self, now: int, *, last: bool) -> list[FrameSpan]:
        if last or self._too_long(now):
            return self._close(now)
        self._take(now)
        return []

    def _too_long(self, now: int) -> bool:
        return self._open_start is not None and now - self._open_start + 1 > self._limit_frames

    def _take(self, frame: int) -> None:
        self._confirmed_end = frame + 1
        self._free_from = frame + 1

    def _close(self, final_frame: int) -> list[FrameSpan]:
        assert self._open_start is not None
        span = (self._open_start, final_frame + 1)
        self._free_from = max(self._free_from, final_frame) + 1
        self._open_start = None
        self._reset_window()
        return [span]

    def _reset_window(self) -> None:
        self._window.clear()
        self._window_sum = 0
        self._speaking = False
        self._silent_frames = 0


class Segmenter:
    """Frame decisions and their samples in, spans of speech out, none longer than the limit."""

    def __init__(self, options: VoiceActivityOptions = DEFAULT_OPTIONS) -> None:
        self._machine = EndpointMachine(options)
        self._limit = math.floor(options.max_segment_s * 1000) // FRAME_MS
        self._search = math.floor(options.cut_search_s * 1000) // FRAME_MS
        self._margin = math.floor(options.cut_margin_s * 1000) // FRAME_MS
        self._cut_from: int | None = None  # where the rest of a span that was cut begins
        self._energy = np.zeros(0, dtype=np.float64)  # of 10 ms each, from frame _energy_start on
        self._energy_start = 0
        self._rest: Pcm = np.zeros(0, dtype=np.int16)  # samples short of a whole 10 ms

    def feed(self, speech: NDArray[np.bool_], pcm: Pcm) -> list[SpeechSpan]:
        """Take the next samples, and the decisions of the next frames.

        Decisions may lag behind samples (a frame needs 25 ms and context), never lead them.
        """
        self._remember_energy(pcm)
        spans = [piece for span in self._machine.feed(speech) for piece in self._divide(span)]
        open_span = self._machine.open_span
        if open_span is not None:
            spans += self._divide(open_span, is_open=True)
        self._forget_before(self._machine.earliest_start)
        return spans

    def finish(self) -> list[SpeechSpan]:
        """The recording is over: give the spans still open."""
        return [piece for span in self._machine.finish() for piece in self._divide(span)]

    def _divide(self, span: FrameSpan, *, is_open: bool = False) -> list[SpeechSpan]:
        """Cut from the front while too long, whether or not the end is known yet."""
        start, end = span
        if self._cut_from is not None:
            start = self._cut_from
        pieces = []
        while end - start > self._limit:
            cut = self._quietest(start + self._limit - self._search, start + self._limit)
            pieces.append(_samples(start, cut))
            start = cut
        if is_open:
            self._cut_from = start if pieces or self._cut_from is not None else None
            return pieces
        self._cut_from = None
        return [*pieces, _samples(start, end)]

    def _quietest(self, first: int, limit: int) -> int:
        """The frame in [first, limit - margin) to cut at.

        Neighbours count too, less the farther they are, so that a pause wins against the closure
        of a single plosive.
        """
        last = max(first + 1, limit - self._margin)
        reach = 5
        low = max(self._energy_start, first - reach)
        energy = self._energy[low - self._energy_start : last + reach - self._energy_start]
        weights = np.concatenate([np.arange(1, reach + 1), np.arange(reach + 1, 0, -1)])
        padded = np.pad(energy, reach, mode="edge")
        loudness = np.convolve(padded, weights, mode="valid")
        return first + int(loudness[first - low : last - low].argmin())

    def _remember_energy(self, pcm: Pcm) -> None:
        samples = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        whole = len(samples) // FRAME_SAMPLES
        blocks = samples[: whole * FRAME_SAMPLES].astype(np.float32).reshape(whole, FRAME_SAMPLES)
        energy = np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64)
        self._energy = np.concatenate([self._energy, energy])
        self._rest = samples[whole * FRAME_SAMPLES :].copy()

    def _forget_before(self, frame: int) -> None:
        keep_from = frame if self._cut_from is None else self._cut_from
        drop = keep_from - self._energy_start
        if drop > 0:
            self._energy = self._energy[drop:].copy()
            self._energy_start = keep_from


def _samples(start_frame: int, end_frame: int) -> SpeechSpan:
    return SpeechSpan(start_frame * FRAME_SAMPLES, end_frame * FRAME_SAMPLES)
