"""Load a SenseVoiceSmall from its folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor

from worker.engine.loading.build import (
    Ingredients,
    LoadedNetwork,
    NetworkSpec,
    load_network,
    require,
)
from worker.engine.loading.load_errors import failures_explained
from worker.engine.sensevoice.rich_tags import LANGUAGES, language_tag
from worker.model_store.files import sentencepiece_name
from worker.model_store.locate import ModelFolder

TAKE_A_SENSEVOICE = "Set LONGSCRIBE_MODEL to SenseVoiceSmall"


def _pieces(folder: ModelFolder) -> Sequence[str]:
    """The pieces of the folder's SentencePiece model in the order of their numbers, which are the
    classes of the output layer; a tokens.json beside it says the same and is not read."""
    name = sentencepiece_name(folder.path)
    with failures_explained(folder, f"read its {name}"):
        model = SentencePieceProcessor(model_file=str(folder.path / name))
        return [model.id_to_piece(number) for number in range(model.get_piece_size())]


def _constructor_arguments(given: Ingredients) -> dict[str, Any]:
    return given.named("ignore_id", "blank_id", "sos", "eos") | {
        "vocab_size": len(given.tokens),
        "input_size": given.frontend.output_size(),
    }


SPEC = NetworkSpec(
    built="SenseVoiceSmall",
    named=("SenseVoiceSmall",),
    modules=("funasr.models.sense_voice.model",),
    components={"encoder": "SenseVoiceEncoderSmall"},
    run=("encoder.", "ctc.", "embed."),
    arguments=_constructor_arguments,
    choose=TAKE_A_SENSEVOICE,
    tokens=_pieces,
)


def load_sensevoice(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """SenseVoiceSmall. Raises ModelUnavailable, saying what to do."""
    network = load_network(folder, SPEC, device)
    require(folder, network.frame_step == 6, "frames of 60 ms (lfr_n = 6)")
    missing = [tag for tag in map(language_tag, LANGUAGES) if tag not in network.token_list]
    require(folder, not missing, f"pieces for its languages (its tokens have no {missing[:1]})")
    return network
