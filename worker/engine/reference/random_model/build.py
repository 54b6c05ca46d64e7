"""Build the three networks, fit the few parameters that make them behave, write the folders."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentencepiece import SentencePieceProcessor
from torch import Tensor

from worker.demo_model.recipe.model_folder import write_folder
from worker.engine.fbank import Fbank, stack_frames
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.reference.random_model.configs import (
    asr_config,
    configuration,
    punc_config,
    sensevoice_config,
    vad_config,
)
from worker.engine.reference.random_model.firered import make_firered
from worker.engine.reference.random_model.fitted_parameters import (
    TOKENS_PER_SECOND,
    fit_marks,
    fit_speech,
    fit_tokens,
    in_noisier_rooms,
    loud_frames,
)
from worker.engine.reference.random_model.sensevoice import fit_labels, train_pieces
from worker.engine.reference.random_model.sizes import (
    FIRERED,
    LARGE,
    SEACO,
    SENSEVOICE,
    ModelSizes,
)
from worker.engine.reference.stock_funasr import import_auto_model
from worker.model_store.files import BPE_MODEL
from worker.recogniser import SAMPLE_RATE, Pcm

SEED = 1
_CALIBRATE_TOKENS_ON_S = 20.0
"""The large encoder takes a second or two for so much."""
_FIRST_CHARACTER = 0x4E00
_CHARACTERS = 20_000
"""Characters of CJK Unified Ideographs: 20,992, in one run."""


def make_random_model(folder: Path, speech: Pcm, sizes: ModelSizes = LARGE) -> None:
    """Write asr/, vad/ and punc/ below `folder`, for LONGSCRIBE_MODEL=folder; a SenseVoice needs no
    punc/.

    `speech` is what the networks are calibrated on, some minutes of ordinary speech.  The same
    sizes and speech give the same weights on the same version of torch.  Files are float16, about
    1.0 GB for the large sizes and 2.4 GB for FireRedASR2-AED's; they load as float32.  The
    folders are as the hub has them, training keys, configuration.json and dictionaries included.
    """
    with process_unchanged(), contextlib.redirect_stdout(io.StringIO()):
        import_auto_model()
        torch.manual_seed(SEED)
        banks = Fbank(torch.device("cpu"))(speech)
        if sizes.asr_class == SENSEVOICE:
            _make_sensevoice(folder / "asr", banks, sizes)
        elif sizes.asr_class == FIRERED:
            make_firered(folder / "asr", speech, sizes, _characters(sizes.asr_vocabulary))
        else:
            _make_asr(folder / "asr", banks, sizes)
        _make_vad(folder / "vad", speech, sizes)
        if sizes.asr_class != SENSEVOICE:
            _make_punc(folder / "punc", sizes)


def _make_asr(folder: Path, banks: Tensor, sizes: ModelSizes) -> None:
    config = asr_config(sizes)
    components = ["encoder", "decoder", "predictor"]
    if sizes.asr_class == SEACO:
        components.append("seaco_decoder")
    parts = [*components, *(f"{component}_conf" for component in components)]
    frontend = config["frontend_conf"]
    model = _class_of(config)(
        input_size=frontend["n_mels"] * frontend["lfr_m"],
        vocab_size=sizes.asr_vocabulary,
        **{part: config[part] for part in parts},
        **config["model_conf"],
    ).eval()
    features, mean, deviation = _normalised(banks, frontend)
    frames_per_second = SAMPLE_RATE / 160 / frontend["lfr_n"]
    excerpt = features[: int(_CALIBRATE_TOKENS_ON_S * frames_per_second)]
    fit_tokens(model, excerpt, TOKENS_PER_SECOND / frames_per_second)
    characters = _characters(sizes.asr_vocabulary - 4)
    write_hub_folder(
        folder,
        config,
        model.state_dict(),
        tokens=["<blank>", "<s>", "</s>", *characters, "<unk>"],
        normalisation=(mean, deviation),
        seg_dict=[f"{character} {character}" for character in characters],
    )


def _make_sensevoice(folder: Path, banks: Tensor, sizes: ModelSizes) -> None:
    config = sensevoice_config(sizes)
    trained = train_pieces(sizes.asr_vocabulary, _characters(sizes.asr_vocabulary))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BPE_MODEL).write_bytes(trained)
    processor = SentencePieceProcessor(model_proto=trained)
    pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    frontend = config["frontend_conf"]
    model = _class_of(config)(
        input_size=frontend["n_mels"] * frontend["lfr_m"],
        vocab_size=len(pieces),
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        **config["model_conf"],
    ).eval()
    features, mean, deviation = _normalised(banks, frontend)
    frames_per_second = SAMPLE_RATE / 160 / frontend["lfr_n"]
    fit_labels(model, features[: int(_CALIBRATE_TOKENS_ON_S * frames_per_second)], pieces)
    write_hub_folder(folder, config, model.state_dict(), normalisation=(mean, deviation))


def _make_vad(folder: Path, speech: Pcm, sizes: ModelSizes) -> None:
    config = vad_config(sizes)
    model = _class_of(config)(
        encoder=config["encoder"], encoder_conf=config["encoder_conf"], **config["model_conf"]
    ).eval()
    fbank = Fbank(torch.device("cpu"))
    rooms = [fbank(noisy) for noisy in in_noisier_rooms(speech)]
    banks = torch.cat(rooms)
    features, mean, deviation = _normalised(banks, config["frontend_conf"])
    fit_speech(model.encoder, features, loud_frames(speech).repeat(len(rooms)))
    write_hub_folder(folder, config, model.state_dict(), normalisation=(mean, deviation))


def _make_punc(folder: Path, sizes: ModelSizes) -> None:
    config = punc_config(sizes)
    model = _class_of(config)(
        vocab_size=sizes.punc_vocabulary,
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        **config["model_conf"],
    ).eval()
    fit_marks(model, sizes.asr_vocabulary)
    known = _characters(sizes.punc_vocabulary - 1 - sizes.punc_words)
    joined = list(itertools.islice(_words(known), sizes.punc_words))
    tokens = ["<unk>", *known, *joined]
    tokens += [f"w{i}" for i in range(sizes.punc_vocabulary - len(tokens))]
    write_hub_folder(
        folder, config, model.state_dict(), tokens=tokens, jieba_usr_dict=joined or None
    )


def write_hub_folder(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    *,
    tokens: Sequence[str] = (),
    normalisation: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None,
    seg_dict: Sequence[str] | None = None,
    jieba_usr_dict: Sequence[str] | None = None,
) -> None:
    """Write a network as the hub has it: with its dictionaries, a line for each of their words,
    and configuration.json, which names the files."""
    mean, deviation = normalisation or (None, None)
    write_folder(folder, config, state, tokens=tokens, mean=mean, deviation=deviation)
    for name, lines in (("seg_dict", seg_dict), ("jieba_usr_dict", jieba_usr_dict)):
        if lines is not None:
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = frozenset(file.name for file in folder.iterdir())
    described = json.dumps(configuration(config, names), indent=2)
    (folder / "configuration.json").write_text(described + "\n", encoding="utf-8")


def _words(characters: Sequence[str]) -> Iterator[str]:
    """Made-up words of two to four of the characters; of n characters n * (n - 1) words."""
    for step in range(1, len(characters)):
        for first in range(len(characters)):
            length = 2 + (first + step) % 3
            yield "".join(characters[(first + i * step) % len(characters)] for i in range(length))


def _class_of(config: dict[str, Any]) -> Any:
    from funasr.register import tables

    return tables.model_classes[config["model"]]


def _characters(count: int) -> list[str]:
    """Draw so many different Chinese characters, or all of them."""
    return [chr(_FIRST_CHARACTER + i) for i in range(min(count, _CHARACTERS))]


def _normalised(
    banks: Tensor, frontend: dict[str, Any]
) -> tuple[Tensor, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Stacked frames of mean 0 and deviation 1, and what they were before."""
    stacked = stack_frames(banks, frontend["lfr_m"], frontend["lfr_n"])
    mean, deviation = stacked.mean(dim=0), stacked.std(dim=0)
    return (stacked - mean) / deviation, mean.numpy(), deviation.numpy()
