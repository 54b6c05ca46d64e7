"""Load a CT-Transformer from its folder."""

from __future__ import annotations

from typing import Any

import torch

from worker.engine.loading.build import (
    Ingredients,
    LoadedNetwork,
    NetworkSpec,
    load_network,
    require,
)
from worker.engine.loading.load_errors import failures_explained
from worker.engine.punctuation.word_segmentation import load_segmenter
from worker.model_store.files import word_list_name
from worker.model_store.locate import ModelFolder


def _constructor_arguments(given: Ingredients) -> dict[str, Any]:
    names = ("punc_list", "punc_weight", "embed_unit", "att_unit")
    chosen = given.named(*names, "ignore_id", "sos", "eos", "sentence_end_id")
    return chosen | {"vocab_size": len(given.tokens)}


SPEC = NetworkSpec(
    built="CTTransformer",
    named=("CTTransformer",),
    modules=("funasr.models.ct_transformer.model", "funasr.models.sanm.encoder"),
    components={"encoder": "SANMEncoder"},
    run=("embed.", "encoder.", "decoder."),
    arguments=_constructor_arguments,
    choose="Set LONGSCRIBE_PUNC_MODEL to ct-punc or ct-punc-c",
)


def load_ct_transformer(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """CT-Transformer. Raises ModelUnavailable, saying what to do."""
    network = load_network(folder, SPEC, device)
    with failures_explained(folder, "describe its marks"):
        marks = list(network.model.punc_list)
        require(folder, network.model.sentence_end_id in range(len(marks)), "a full stop")
    require(folder, len(network.token_list) > 0, "a list of tokens (tokens.json)")
    dictionary = folder.path / word_list_name(folder.path)
    if dictionary.is_file():
        with failures_explained(folder, f"read its {dictionary.name}"):
            network.model.jieba_usr_dict = load_segmenter(dictionary)
    return network
