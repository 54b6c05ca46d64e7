"""BatchedSpeakerEncoder: a speaker network behind the `SpeakerEncoder` protocol.

In float32 on every device, as voice activity and punctuation are: a vector is compared with
thresholds, and the bundled network is so small that rounding it gains nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from shared.errors import OutOfMemory
from worker.engine.device import is_out_of_memory, must_fit, no_room_for_the_model
from worker.engine.loading.build import require
from worker.engine.loading.load_errors import failures_explained
from worker.engine.speakers.features import speaker_fbank, window_features
from worker.engine.speakers.load_network import SpeakerNetwork, load_speaker_network
from worker.model_store.locate import ModelFolder
from worker.recogniser import Pcm
from worker.speaker_encoder import VECTOR_SIZE, WINDOW_SAMPLES, Vectors

log = logging.getLogger(__name__)

ENCODER_REVISION = "1"
"""Raise it when this package's own arithmetic changes the vectors of the same weights by more than
rounding, in which devices differ too: voices that owners keep are compared under one revision only,
so whoever raises it takes all of them away, whichever network heard them."""

PASS_WINDOWS = 16
"""Windows in every forward pass, filled up with silence: matrix products of another shape round
differently, and a vector must not depend on how many others are wanted."""
MOST_PASS_WINDOWS = 96
"""Most windows in a forward pass of a network that is batch-invariant: what CAM++ has of each until
the last, features and what it makes of them, is 85 kB."""
GPU_PASS_WINDOWS = 64
"""Windows in every forward pass on a GPU, which a smaller pass leaves idle."""


class BatchedSpeakerEncoder:
    """Implements `worker.speaker_encoder.SpeakerEncoder`.

    One forward pass at a time, in the thread that recognises.
    """

    def __init__(self, network: SpeakerNetwork, revision: str, device: torch.device) -> None:
        self.revision = revision
        self.same_voice_cosine = network.same_voice_cosine
        self._model = network.model
        self._device = device
        self._fbank = speaker_fbank(device)
        self._is_batch_invariant = network.is_batch_invariant
        self._pass_windows = GPU_PASS_WINDOWS if device.type == "cuda" else PASS_WINDOWS

    def embed(self, windows: Sequence[Pcm]) -> Vectors:
        """(len(windows), VECTOR_SIZE): a vector of length 1 for each window.

        Raises ValueError for a window of another length than WINDOW_SAMPLES, and OutOfMemory where
        the device has no room for a pass.
        """
        for window in windows:
            if len(window) != WINDOW_SAMPLES:
                raise ValueError(f"a window of {len(window)} samples instead of {WINDOW_SAMPLES}")
        vectors = np.empty((len(windows), VECTOR_SIZE), np.float32)
        size = self._pass_size(len(windows))
        for first in range(0, len(windows), size):
            part = windows[first : first + size]
            passed = must_fit(self._device, partial(self._pass, part, size))
            vectors[first : first + len(part)] = passed[: len(part)].cpu().numpy()
        return vectors

    def _pass_size(self, windows: int) -> int:
        """Windows of each pass where so many are wanted.

        Of a network that is batch-invariant the size by which the fewest passes hold least silence.
        They are equal in size, for kernels are made for each.
        """
        if not self._is_batch_invariant or not windows:
            return self._pass_windows
        passes = -(-windows // MOST_PASS_WINDOWS)
        return -(-windows // passes)

    @torch.inference_mode()
    def _pass(self, windows: Sequence[Pcm], size: int) -> Tensor:
        """(size, VECTOR_SIZE), the last of them of silence."""
        silence = np.zeros(WINDOW_SAMPLES, np.int16)
        filled = [*windows, *[silence] * (size - len(windows))]
        return functional.normalize(self._model(window_features(self._fbank, filled)))


def load_encoder(folder: ModelFolder, device: torch.device) -> BatchedSpeakerEncoder:
    """Load a speaker encoder onto a device and try it out.

    Raises ModelUnavailable, saying what to do, for a folder that cannot be used and a device that
    has no room.
    """
    log.info("loading the speaker encoder %s onto %s", folder.name, device)
    if device.type == "cuda":
        # TensorFloat-32 would round the convolutions to 10 bits.
        torch.backends.cudnn.allow_tf32 = False
    try:
        network = load_speaker_network(folder, device)
        encoder = BatchedSpeakerEncoder(network, _revision(folder), device)
        _try_out(encoder, folder)
    except (MemoryError, OutOfMemory, RuntimeError) as error:
        if not isinstance(error, OutOfMemory) and not is_out_of_memory(error):
            raise
        raise no_room_for_the_model(device, 1) from error
    return encoder


def _try_out(encoder: BatchedSpeakerEncoder, folder: ModelFolder) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, WINDOW_SAMPLES, dtype=np.int16)
    with failures_explained(folder, "run it on a second of noise"):
        vectors = encoder.embed([noise])
        require(folder, bool(np.isfinite(vectors).all()), "vectors of finite numbers")


def _revision(folder: ModelFolder) -> str:
    """A digest of all that a vector depends on but the device: weights, features, window."""
    everything = "\n".join([folder.revision, ENCODER_REVISION, str(WINDOW_SAMPLES)])
    return hashlib.sha256(everything.encode()).hexdigest()[:12]
