"""Loading a model: found on this disk, whole, of a kind that can be run, or a clear refusal."""

from __future__ import annotations

import functools
import logging
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from shared.errors import ModelUnavailable
from worker import demo_model
from worker.engine import device as devices
from worker.engine.device import (
    VramProbe,
    is_out_of_memory,
    resolve_device,
    usable_cores,
    within_memory,
)
from worker.engine.family_registry import load_speech_network
from worker.engine.fbank import Fbank
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.precision import Precision
from worker.engine.punctuation.load_ct_transformer import load_ct_transformer
from worker.engine.voice_activity.load_fsmn import load_fsmn
from worker.model_store.locate import locate
from worker.recogniser import EMPTY_REQUEST, BatchOutOfMemory

CPU = torch.device("cpu")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The demo model as an operator's own folder, free to be broken."""
    folder = tmp_path / "my-model"
    for name, source in (
        ("asr", demo_model.ASR_DIR),
        ("vad", demo_model.VAD_DIR),
        ("punc", demo_model.PUNC_DIR),
    ):
        (folder / name).mkdir(parents=True)
        for file in source.iterdir():
            shutil.copyfile(file, folder / name / file.name)
    return folder


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if isinstance(value, dict):
            config.setdefault(key, {}).update(value)
        else:
            config[key] = value
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


def change_checkpoint(folder: Path, name: str, value: torch.Tensor | None) -> None:
    state = torch.load(folder / "model.pt", weights_only=True)
    state.pop(name)
    if value is not None:
        state[name] = value
    torch.save(state, folder / "model.pt")


# --- what is loaded ----------------------------------------------------------------------------


def test_the_same_weights_have_the_same_revision_wherever_they_lie(bundle: Path) -> None:
    own = load_recogniser(str(bundle), device="cpu")
    demo = load_recogniser("demo", device="cpu")
    assert demo.identity.is_demo
    assert not own.identity.is_demo
    assert own.identity.revision.split("+")[0] == demo.identity.revision.split("+")[0]


def test_other_voice_activity_settings_are_another_revision() -> None:
    from worker.engine.voice_activity.endpoints import VoiceActivityOptions

    usual = load_recogniser("demo", device="cpu")
    other = load_recogniser(
        "demo", device="cpu", voice_activity=VoiceActivityOptions(end_silence_ms=500)
    )
    assert usual.identity.revision != other.identity.revision


@pytest.mark.parametrize(
    ("part", "parameter", "value", "said"),
    [
        ("asr", "encoder.after_norm.weight", None, "is missing"),
        ("asr", "predictor.cif_output.bias", torch.ones(2), r"is \(2,\) in the file"),
        ("vad", "encoder.in_linear1.linear.weight", None, "is missing"),
        ("punc", "decoder.bias", torch.ones(1), r"is \(1,\) in the file"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    bundle: Path, part: str, parameter: str, value: torch.Tensor | None, said: str
) -> None:
    """FunASR prints a warning, or nothing, and leaves such parameters random."""
    change_checkpoint(bundle / part, parameter, value)
    with pytest.raises(ModelUnavailable, match=said):
        load_recogniser(str(bundle), device="cpu")


def test_only_hotwords_need_the_decoders_embedding_of_known_text(bundle: Path) -> None:
    change_checkpoint(bundle / "asr", "decoder.embed.0.weight", None)
    with pytest.raises(ModelUnavailable, match=r"decoder\.embed\.0\.weight .* is missing"):
        load_paraformer(locate(str(bundle)).asr, CPU)
    change_config(bundle / "asr", model="BiCifParaformer")
    load_paraformer(locate(str(bundle)).asr, CPU)


def test_a_folder_of_seaco_without_its_decoder_has_no_hotwords(bundle: Path) -> None:
    change_config(bundle / "asr", seaco_decoder=None)
    assert not load_recogniser(str(bundle), device="cpu").accepts_hotwords


@pytest.mark.parametrize("part", ["asr", "vad"])
def test_a_folder_without_normalisation_is_refused(bundle: Path, part: str) -> None:
    (bundle / part / "am.mvn").unlink()
    with pytest.raises(ModelUnavailable, match=r"no am\.mvn"):
        load_recogniser(str(bundle), device="cpu")


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("asr", {"model": "Paraformer"}, "no times for its words.*LONGSCRIBE_MODEL.*paraformer-zh"),
        ("asr", {"model": "ContextualParaformer"}, "wants hotwords.*LONGSCRIBE_MODEL"),
        ("asr", {"model": "SenseVoiceSmall"}, "encoder: SenseVoiceEncoderSmall"),
        ("asr", {"model": "WhisperWarp"}, "class WhisperWarp.*LONGSCRIBE_MODEL"),
        ("asr", {"model": None}, "class None"),
        ("asr", {"encoder": "ConformerEncoder"}, "encoder: SANMEncoder .*ConformerEncoder"),
        ("asr", {"predictor": "CifPredictorV2"}, "predictor: CifPredictorV3"),
        ("asr", {"frontend": "WhisperFrontend"}, "WhisperFrontend"),
        ("vad", {"model": "SileroVad"}, "class SileroVad.*LONGSCRIBE_VAD_MODEL=fsmn-vad"),
        ("punc", {"model": "CTTransformerStreaming"}, "runs CTTransformer there.*ct-punc-c"),
        ("asr", {"predictor_conf": {"threshold": 0.9}}, "firing threshold"),
        ("asr", {"frontend_conf": {"window": "povey"}}, "Hamming"),
        ("vad", {"model_conf": {"decibel_thres": -30.0}}, "no level thresholds"),
    ],
)
def test_a_model_that_the_engine_cannot_run_is_refused(
    bundle: Path, part: str, changes: dict[str, object], said: str
) -> None:
    change_config(bundle / part, **changes)
    folder = getattr(locate(str(bundle)), part)
    with pytest.raises(ModelUnavailable, match=said):
        if part == "asr":
            load_speech_network(folder, CPU, Fbank(CPU), Precision())
        else:
            {"vad": load_fsmn, "punc": load_ct_transformer}[part](folder, CPU)


TRAINING_ASR = {
    "specaug": "SpecAugLFR",
    "specaug_conf": {"apply_time_warp": False, "lfr_rate": 6, "num_freq_mask": 1},
    "normalize": "UtteranceMVN",
    "normalize_conf": {"norm_means": True},
    "ctc": "CTC",
    "ctc_conf": {"dropout_rate": 0.0, "ctc_type": "builtin", "reduce": True},
    "train_conf": {"accum_grad": 1, "grad_clip": 5, "max_epoch": 150},
    "optim": "adam",
    "optim_conf": {"lr": "5e-4"},
    "scheduler": "warmuplr",
    "scheduler_conf": {"warmup_steps": 30000},
    "dataset": "AudioDataset",
    "dataset_conf": {"index_ds": "IndexDSJsonl", "batch_size": "${train_conf.max_epoch}"},
    "joint_network": "JointNetwork",
    "joint_network_conf": {"joint_space_size": 512},
    "some_future_part": "NobodyKnows",
    "some_future_part_conf": {"size": 3},
}
"""Settings that a hub's config.yaml holds for training, and something that it may hold one day."""


@pytest.mark.parametrize("named", ["BiCifParaformer", "SeacoParaformer"])
def test_what_only_training_needs_is_not_built(bundle: Path, named: str) -> None:
    """FunASR builds all that a configuration names, and calls None for what is not registered."""
    change_config(bundle / "asr", model=named, **TRAINING_ASR)
    change_config(bundle / "asr", model_conf={"ctc_weight": 0.5})
    change_config(bundle / "vad", **TRAINING_ASR)
    change_config(bundle / "punc", **TRAINING_ASR)
    own = load_recogniser(str(bundle), device="cpu")
    demo = load_recogniser("demo", device="cpu")
    samples, _ = soundfile.read(demo_model.SAMPLE_MEETING, dtype="int16", stop=8 * 16_000)
    heard = own.recognise([samples], EMPTY_REQUEST)
    assert heard == demo.recognise([samples], EMPTY_REQUEST)
    words = [word.word for word in heard[0].words]
    assert len(words) > 10
    assert own.punctuate(words) == demo.punctuate(words)


def test_numbers_of_a_configuration_are_read_as_funasr_reads_them(bundle: Path) -> None:
    """YAML 1.1 takes 1e-4 for a text."""
    path = bundle / "vad" / "config.yaml"
    text = path.read_text().replace("fe_prior_thres: 0.0001", "fe_prior_thres: 1e-4")
    path.write_text(text)
    network = load_fsmn(locate(str(bundle)).vad, CPU)
    assert network.model.vad_opts.fe_prior_thres == 0.0001


def test_a_network_that_cannot_run_is_refused_at_once(bundle: Path) -> None:
    """Not by the first job."""
    change_config(bundle / "vad", model_conf={"sil_pdf_ids": [99]})
    with pytest.raises(ModelUnavailable, match=r"vad.*run it on a second of noise.*again"):
        load_recogniser(str(bundle), device="cpu")


def test_a_voice_activity_network_that_looks_ahead_is_refused(bundle: Path) -> None:
    change_config(bundle / "vad", encoder_conf={"rorder": 2, "rstride": 1})
    state = torch.load(bundle / "vad" / "model.pt", weights_only=True)
    for layer in range(3):
        state[f"encoder.fsmn.{layer}.fsmn_block.conv_right.weight"] = torch.zeros(48, 1, 2, 1)
    torch.save(state, bundle / "vad" / "model.pt")
    with pytest.raises(ModelUnavailable, match="looks back only"):
        load_fsmn(locate(str(bundle)).vad, CPU)


def test_code_that_comes_with_a_model_is_never_run(bundle: Path) -> None:
    change_config(bundle / "asr", trust_remote_code=True, remote_code=str(bundle / "evil.py"))
    (bundle / "evil.py").write_text("raise SystemExit('remote code was run')")
    (bundle / "asr" / "requirements.txt").write_text("longscribe-evil\n")
    load_paraformer(locate(str(bundle)).asr, CPU)


def test_loading_leaves_the_process_as_it_was() -> None:
    root = logging.getLogger()
    handlers, level, threads = list(root.handlers), root.level, torch.get_num_threads()
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = random.random(), np.random.random(), torch.rand(1)
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    load_ct_transformer(locate("demo").punc, CPU)
    assert (root.handlers, root.level, torch.get_num_threads()) == (handlers, level, threads)
    assert (random.random(), np.random.random(), torch.rand(1)) == expected


WITHOUT_TORCH = [
    "batching.batch_packing",
    "memory.batch_memory_model",
    "engine.voice_activity.endpoints",
    "pipeline.transcribe",
    "main_process",
    "child_process",
]


@functools.cache
def with_torch() -> list[str]:
    """Those of WITHOUT_TORCH, imported in their order, behind which torch is there."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(f'worker.{name}')\n"
        "    if 'torch' in sys.modules: print(name)"
    )
    command = [sys.executable, "-c", code, *WITHOUT_TORCH]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_only_the_engine_imports_torch(module: str) -> None:
    assert module not in with_torch()


# --- devices -----------------------------------------------------------------------------------


def test_auto_is_the_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU


def test_auto_is_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda:0")


def test_a_gpu_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    assert resolve_device("cuda") == torch.device("cuda:0")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """FunASR would use the CPU without a word."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ModelUnavailable, match="sees 1 GPU"):
        resolve_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "CUDA:0", ""])
def test_a_name_that_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="must be auto, cpu, or cuda:0"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 64), ("150000 100000", 1), ("400000 100000", 4)]
)
def test_a_containers_quota_bounds_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
) -> None:
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda pid: set(range(64)))
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_cores(tmp_path) == cores


def test_vram_that_the_allocator_holds_unused_is_headroom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (7_000, 24_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 1_000)
    assert VramProbe(torch.device("cuda:0")).headroom_bytes() == 9_000


def test_memory_that_the_cpu_refuses_is_a_batch_out_of_memory() -> None:
    with pytest.raises(BatchOutOfMemory, match="memory"):
        within_memory(CPU, lambda: torch.empty(1 << 50))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to ..."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        MemoryError(),
    ],
)
def test_the_ways_to_run_out_of_memory_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_other_errors_pass_unchanged() -> None:
    def fail() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes") as raised:
        within_memory(CPU, fail)
    assert not isinstance(raised.value, BatchOutOfMemory)


def test_nothing_of_a_failed_pass_is_kept_alive() -> None:
    """Else halving the batch would not help: its tensors would hang on the traceback."""
    with pytest.raises(BatchOutOfMemory) as raised:
        within_memory(CPU, lambda: torch.empty(1 << 50))
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
