"""FunASRRecogniser: the three networks behind the `Recogniser` protocol."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from shared.errors import OutOfMemory
from shared.settings import DEMO, PINNED_REVISION
from worker.engine.calibration.calibrate import calibrated
from worker.engine.device import (
    allocator,
    computes,
    is_out_of_memory,
    limit_to_share,
    memory_probe,
    must_fit,
    no_room_for_the_model,
    resident_bytes,
    resolve_device,
    return_freed_memory,
    threads_on_cpu,
    within_memory,
)
from worker.engine.family import SpeechNetwork
from worker.engine.family_registry import load_speech_network
from worker.engine.fbank import Fbank
from worker.engine.layers.linear import pack_linear_layers, packs_linear_layers
from worker.engine.loading.build import LoadedNetwork
from worker.engine.loading.load_errors import failures_explained
from worker.engine.precision import TORCH, Precision
from worker.engine.punctuation.ct_transformer import Punctuator
from worker.engine.punctuation.load_ct_transformer import load_ct_transformer
from worker.engine.voice_activity.endpoints import DEFAULT_OPTIONS, VoiceActivityOptions
from worker.engine.voice_activity.fsmn import FsmnVoiceActivity
from worker.engine.voice_activity.fsmn_memory import read_frames_in_place
from worker.engine.voice_activity.load_fsmn import load_fsmn
from worker.memory.batch_memory_model import MemoryModel
from worker.model_store.known import HubName
from worker.model_store.locate import ModelFolders, locate
from worker.pass_cost import PassCost
from worker.recogniser import (
    EMPTY_REQUEST,
    SAMPLE_RATE,
    BatchOutOfMemory,
    MemoryProbe,
    ModelIdentity,
    Pcm,
    RecognisedSpan,
    RecognitionRequest,
    require_supported,
)

log = logging.getLogger(__name__)

ENGINE_REVISION = "3"
"""Raise it when this package's own arithmetic changes what the same weights say."""


class FunASRRecogniser:
    """Implements `worker.recogniser.Recogniser`.

    `punc` is None for a network that punctuates itself.

    One forward pass at a time: `recognise` and `punctuate` are for one thread.  Voice activity of
    a later recording may run in another.
    """

    def __init__(
        self,
        speech_network: SpeechNetwork,
        vad: LoadedNetwork,
        punc: LoadedNetwork | None,
        identity: ModelIdentity,
        device: torch.device,
        fbank: Fbank,
        voice_activity: VoiceActivityOptions = DEFAULT_OPTIONS,
        processes: int = 1,
    ) -> None:
        self._identity = identity
        self._device = device
        self._fbank = fbank
        self._speech_network = speech_network
        self._vad = vad
        if packs_linear_layers(device):
            pack_linear_layers(vad.model.encoder, from_weights=0)
            read_frames_in_place(vad.model.encoder)
        self._options = voice_activity.bounded(speech_network.longest_span_s)
        self._probe = memory_probe(device, processes)
        self._punctuator = None if punc is None else Punctuator(punc, device, self._probe)
        self._memory_model = self._held(speech_network.memory_estimate)
        self._pass_cost = speech_network.usual_pass_cost

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def memory(self) -> MemoryProbe:
        return self._probe

    @property
    def memory_model(self) -> MemoryModel:
        return self._memory_model

    @property
    def pass_cost(self) -> PassCost:
        return self._pass_cost

    @property
    def languages(self) -> tuple[str, ...]:
        return self._speech_network.languages

    @property
    def accepts_hotwords(self) -> bool:
        return self._speech_network.accepts_hotwords

    @property
    def punctuates(self) -> bool:
        return self._speech_network.punctuates

    @property
    def longest_span_s(self) -> float:
        return self._options.max_segment_s

    @property
    def is_batch_invariant(self) -> bool:
        return self._speech_network.is_batch_invariant

    def calibrate(self, folder: Path) -> None:
        """Measure this device with probe batches, or take what was measured and kept in `folder`.

        Where neither is to be had the estimates stay.
        """
        measured = calibrated(
            self._speech_network,
            self._device,
            self._identity,
            self._probe.headroom_bytes(),
            folder,
        )
        return_freed_memory()
        if measured is None:
            return
        self._memory_model = self._held(measured.memory)
        self._pass_cost = measured.pass_cost or self._speech_network.usual_pass_cost

    def _held(self, live: MemoryModel) -> MemoryModel:
        resident = float(resident_bytes(self._device))
        return replace(live.held_by(allocator(self._device)), resident_bytes=resident)

    def device_works(self) -> bool:
        return computes(self._device)

    def voice_activity(self) -> FsmnVoiceActivity:
        return FsmnVoiceActivity(self._vad, self._fbank, self._device, self._options)

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        require_supported(self, request)
        return within_memory(self._device, lambda: self._speech_network.recognise(speech, request))

    def punctuate(self, words: Sequence[str]) -> list[str]:
        """The mark after each word; none where the words bring theirs along."""
        punctuator = self._punctuator
        if punctuator is None:
            return [""] * len(words)
        return must_fit(self._device, lambda: punctuator.punctuate(words))


def load_recogniser(
    model: str = DEMO,
    vad_model: str | None = None,
    punc_model: str | None = None,
    *,
    model_revision: str = PINNED_REVISION,
    vad_revision: str = PINNED_REVISION,
    punc_revision: str = PINNED_REVISION,
    device: str = "auto",
    cpu_threads: int = 0,
    precision: str = "float32",
    cpu_runtime: str = "auto",
    processes: int = 1,
    voice_activity: VoiceActivityOptions = DEFAULT_OPTIONS,
    offline: bool = False,
    model_hub: HubName = "modelscope",
    model_memory: Path | None = None,
) -> FunASRRecogniser:
    """Load the networks onto a device; takes seconds, so once a process.

    Punctuation is left out where the recogniser punctuates itself.

    `model` is 'demo', a hub name (or an alias such as paraformer-zh), or a folder; see
    `worker.model_store.locate`, also for `model_memory`.  Revisions matter for hub names only.
    `cpu_threads` are torch's when the device is a CPU, see `device.threads_on_cpu`.  `processes`
    divide the device, this one included.  `cpu_runtime` is what runs networks on a CPU, as far as
    there is a choice, see `precision.Precision`.
    Raises ModelUnavailable, saying what to do, for a model that is not there, does not fit, or is
    of a kind that cannot be run, and for a `precision` that the device does not have.
    """
    where = resolve_device(device)
    arithmetic = Precision(precision, where, cpu_runtime)
    folders = locate(
        model,
        vad_model,
        punc_model,
        model_revision=model_revision,
        vad_revision=vad_revision,
        punc_revision=punc_revision,
        offline=offline,
        hub=model_hub,
        memory=model_memory,
    )
    if where.type == "cuda":
        # TensorFloat-32 would round the convolutions to 10 bits; matrix products are not so
        # rounded by default.
        torch.backends.cudnn.allow_tf32 = False
    if where.type == "cpu" or processes > 1:
        torch.set_num_threads(threads_on_cpu(cpu_threads, folders.is_demo, processes))
    limit_to_share(where, processes)
    log.info("loading %s onto %s", folders.asr.name, where)
    try:
        fbank = Fbank(where)
        speech_network = load_speech_network(folders.asr, where, fbank, arithmetic)
        vad = load_fsmn(folders.vad, where)
        punctuation = None if speech_network.punctuates else folders.punc
        punc = None if punctuation is None else load_ct_transformer(punctuation, where)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise no_room_for_the_model(where, processes) from error
    return_freed_memory()
    with failures_explained(folders.asr, "prepare it"):
        recogniser = FunASRRecogniser(
            speech_network,
            vad,
            punc,
            identity=ModelIdentity(
                name=folders.asr.name,
                revision=_revision(folders, voice_activity, speech_network),
                device=str(where),
                dtype=arithmetic.name,
                is_demo=folders.is_demo,
            ),
            device=where,
            fbank=fbank,
            voice_activity=voice_activity,
            processes=processes,
        )
    try:
        _try_out(recogniser, folders)
    except (BatchOutOfMemory, OutOfMemory) as error:
        raise no_room_for_the_model(where, processes) from error
    return recogniser


def _try_out(recogniser: FunASRRecogniser, folders: ModelFolders) -> None:
    """Run each network once, so that one that cannot run fails now and not in somebody's job."""
    second = np.random.default_rng(0).integers(-1000, 1000, SAMPLE_RATE, dtype=np.int16)
    with failures_explained(folders.vad, "run it on a second of noise"):
        detector = recogniser.voice_activity()
        detector.feed(second)
        detector.finish()
    with failures_explained(folders.asr, "run it on a second of noise"):
        recogniser.recognise([second], EMPTY_REQUEST)
    if folders.punc is not None:
        with failures_explained(folders.punc, "run it on two words"):
            recogniser.punctuate(["好", "API"])


def _revision(folders: ModelFolders, options: VoiceActivityOptions, network: SpeechNetwork) -> str:
    """The recogniser's own revision, and a digest of all else that a transcript depends on."""
    parts = [folders.asr, folders.vad, None if network.punctuates else folders.punc]
    everything = [part.revision for part in parts if part is not None]
    everything += [ENGINE_REVISION, repr(options)]
    if network.runtime != TORCH:  # which rounds otherwise, and takes its memory elsewhere
        everything.append(network.runtime)
    digest = hashlib.sha256("\n".join(everything).encode()).hexdigest()
    return f"{folders.asr.revision}+{digest[:8]}"
