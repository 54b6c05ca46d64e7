"""Architecture sizes, and FunASR's config.yaml for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import worker.demo_model


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """What decides the cost of the three networks; the defaults are those of Paraformer-large
    (220 M parameters), FSMN-VAD and CT-Transformer as the hub has them."""

    asr_width: int = 512
    asr_encoder_blocks: int = 50
    asr_decoder_blocks: int = 16
    asr_heads: int = 4
    asr_vocabulary: int = 8_404
    vad_affine: int = 140
    vad_layers: int = 4
    vad_linear: int = 250
    vad_projection: int = 128
    vad_outputs: int = 248
    punc_width: int = 256
    punc_blocks: int = 4
    punc_heads: int = 8
    punc_vocabulary: int = 272_727


LARGE = ModelSizes()
SIZES = {"large": LARGE}
"""By the name that the command takes."""


def asr_config(sizes: ModelSizes) -> dict[str, Any]:
    config = _bundled(worker.demo_model.ASR_DIR)
    width = sizes.asr_width
    stack = {"attention_heads": sizes.asr_heads, "linear_units": 4 * width}
    config["encoder_conf"] |= stack | {
        "output_size": width,
        "num_blocks": sizes.asr_encoder_blocks,
    }
    config["decoder_conf"] |= stack | {
        "num_blocks": sizes.asr_decoder_blocks,
        "att_layer_num": sizes.asr_decoder_blocks,
    }
    config["predictor_conf"] |= {"idim": width, "smooth_factor2": 0.25}
    return config


def vad_config(sizes: ModelSizes) -> dict[str, Any]:
    config = _bundled(worker.demo_model.VAD_DIR)
    config["encoder_conf"] |= {
        "input_affine_dim": sizes.vad_affine,
        "fsmn_layers": sizes.vad_layers,
        "linear_dim": sizes.vad_linear,
        "proj_dim": sizes.vad_projection,
        "output_affine_dim": sizes.vad_affine,
        "output_dim": sizes.vad_outputs,
    }
    return config


def punc_config(sizes: ModelSizes) -> dict[str, Any]:
    config = _bundled(worker.demo_model.PUNC_DIR)
    width = sizes.punc_width
    config["model_conf"] |= {"embed_unit": width, "att_unit": width}
    config["encoder_conf"] |= {
        "input_size": width,
        "output_size": width,
        "attention_heads": sizes.punc_heads,
        "linear_units": 4 * width,
        "num_blocks": sizes.punc_blocks,
    }
    return config


def _bundled(folder: Path) -> dict[str, Any]:
    """The bundled model's configuration: the same classes in other sizes."""
    config: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return config
