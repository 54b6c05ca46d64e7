"""FSMN-VAD on a recording that arrives in blocks: where somebody speaks.

The network runs on 10 s at a time, on a GPU on 2 minutes, with its own memory of what went before,
and the rules that make spans of its decisions are those of
`worker.engine.voice_activity.endpoints`.  FunASR asks the device for each frame's score separately,
360,000 times an hour.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worker.engine.device import must_fit
from worker.engine.fbank import HOP_SAMPLES, MEL_BINS, Fbank, FbankStream
from worker.engine.loading.build import LoadedNetwork
from worker.engine.voice_activity.endpoints import Segmenter, VoiceActivityOptions
from worker.recogniser import Pcm, SpeechSpan

_NO_DECISIONS: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

BLOCK_FRAMES = 1_000
"""Frames of 10 ms in one pass, few enough for a layer to stay in a core's cache. Fixed, so that the
blocks fed in change nothing, not even rounding."""
GPU_BLOCK_FRAMES = 12_000
"""Frames in one pass on a GPU, where 10 s would be over before the next kernel is launched."""


class FsmnVoiceActivity:
    """Voice activity detection in one recording. Implements
    `worker.recogniser.VoiceActivityDetector`."""

    def __init__(
        self,
        network: LoadedNetwork,
        fbank: Fbank,
        device: torch.device,
        options: VoiceActivityOptions,
    ) -> None:
        assert network.cmvn is not None
        self._encoder = network.model.encoder
        self._memory: dict[str, Any] = {}  # of the network's layers
        self._shift, self._scale = network.cmvn.to(device)
        self._silence_ids = list(network.model.vad_opts.sil_pdf_ids)
        self._width = network.frame_width
        self._margin = options.speech_margin
        self._device = device
        self._block = GPU_BLOCK_FRAMES if device.type == "cuda" else BLOCK_FRAMES
        self._banks = FbankStream(fbank)
        self._segmenter = Segmenter(options)
        # Frames not yet passed on, with the context of the first of them in front.
        self._frames = torch.zeros(0, MEL_BINS, device=device)

    def feed(self, pcm: Pcm) -> list[SpeechSpan]:
        """Take the next samples, give the spans that are certain by now, in order.

        Raises OutOfMemory when the device has no room for a block.
        """
        spans: list[SpeechSpan] = []
        for first in range(0, len(pcm), self._block * HOP_SAMPLES):
            block = pcm[first : first + self._block * HOP_SAMPLES]
            decisions = must_fit(self._device, partial(self._advance, block))
            spans += self._segmenter.feed(decisions, block)
        return spans

    def finish(self) -> list[SpeechSpan]:
        """The recording is over: give the spans still open."""
        decisions = must_fit(self._device, self._complete)
        nothing = np.zeros(0, dtype=np.int16)
        return self._segmenter.feed(decisions, nothing) + self._segmenter.finish()

    @torch.inference_mode()
    def _advance(self, pcm: Pcm) -> NDArray[np.bool_]:
        """Decisions of the whole blocks that these samples complete."""
        self._append(self._banks.feed(pcm))
        blocks = max(0, self._ready()) // self._block
        decisions = [self._decide(self._block) for _ in range(blocks)]
        return np.concatenate([_NO_DECISIONS, *decisions])

    @torch.inference_mode()
    def _complete(self) -> NDArray[np.bool_]:
        """Decisions of the frames that were left; the last one repeats itself as their context."""
        if not len(self._frames):
            return _NO_DECISIONS
        self._append(self._frames[-1:].expand(self._width // 2, -1))
        decisions = self._decide(min(self._block, self._ready()))
        rest = self._decide(self._ready()) if self._ready() else _NO_DECISIONS
        self._frames = self._frames[:0]
        return np.concatenate([decisions, rest])

    def _append(self, banks: Tensor) -> None:
        if not len(banks):
            return
        if not len(self._frames):
            self._frames = banks[:1].expand(self._width // 2, -1)
        self._frames = torch.cat([self._frames, banks])

    def _ready(self) -> int:
        """Frames whose context on both sides is there."""
        return len(self._frames) - 2 * (self._width // 2)

    def _decide(self, count: int) -> NDArray[np.bool_]:
        """Decide for each of the next `count` frames whether somebody speaks."""
        context = self._frames[: count + 2 * (self._width // 2)]
        self._frames = self._frames[count:]
        # Each row begins one frame after the one before it and overlaps it.
        stacked = context.as_strided((count, self._width * MEL_BINS), (MEL_BINS, 1))
        features = (stacked + self._shift) * self._scale
        scores = self._encoder(features[None], self._memory)[0]
        silence = scores[:, self._silence_ids].double().sum(dim=1)
        # FunASR compares exp(log(p)) and fails on the logarithm of an exact zero.
        speech: NDArray[np.bool_] = (1.0 - silence >= silence + self._margin).cpu().numpy()
        return speech
