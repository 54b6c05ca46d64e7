"""A Paraformer of any depth with random weights, built without a folder."""

from __future__ import annotations

import copy

import torch

from worker.demo_model.recipe.architecture import ASR_CONFIG, BiCifParaformer
from worker.engine.loading.build import LoadedNetwork

WIDTH = 32
FEATURES = 560
_PARTS = ("encoder", "encoder_conf", "decoder", "decoder_conf", "predictor", "predictor_conf")


def untrained_paraformer(encoder_blocks: int, decoder_blocks: int) -> LoadedNetwork:
    """Make an untrained Paraformer of width `WIDTH` on the CPU, with the same weights in every
    call."""
    config = copy.deepcopy(ASR_CONFIG)
    config["encoder_conf"] |= {"output_size": WIDTH, "linear_units": 64}
    config["encoder_conf"] |= {"num_blocks": encoder_blocks}
    config["decoder_conf"] |= {"linear_units": 64, "num_blocks": decoder_blocks}
    config["decoder_conf"] |= {"att_layer_num": decoder_blocks}
    config["predictor_conf"] |= {"idim": WIDTH}
    tokens = ["<blank>", "<s>", "</s>", *map(chr, range(0x4E00, 0x4E00 + 40))]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BiCifParaformer(
            **config["model_conf"],
            **{part: config[part] for part in _PARTS},
            input_size=FEATURES,
            vocab_size=len(tokens),
        )
    model.eval().requires_grad_(False)
    cmvn = torch.stack([torch.zeros(FEATURES), torch.ones(FEATURES)])
    return LoadedNetwork(model, cmvn, 7, 6, tokens)
