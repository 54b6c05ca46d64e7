"""config.yaml and the small files of a hub's folder, with every key that FunASR's templates have.

Inference reads a third of these keys.  The rest is for training, and stands here because the hub's
folders have it: a loader that trips over it must trip in a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import worker.demo_model
from worker.engine.reference.random_model.sizes import SEACO, SENSEVOICE, ModelSizes
from worker.model_store.files import BPE_MODEL

Config = dict[str, Any]

_DROPOUT = {"dropout_rate": 0.1, "positional_dropout_rate": 0.1}

_SPECAUG: Config = {
    "apply_time_warp": False,
    "time_warp_window": 5,
    "time_warp_mode": "bicubic",
    "apply_freq_mask": True,
    "freq_mask_width_range": [0, 30],
    "lfr_rate": 6,
    "num_freq_mask": 1,
    "apply_time_mask": True,
    "time_mask_width_range": [0, 12],
    "num_time_mask": 1,
}

_TRAINING: Config = {
    "specaug": "SpecAugLFR",
    "specaug_conf": _SPECAUG,
    "train_conf": {
        "accum_grad": 1,
        "grad_clip": 5,
        "max_epoch": 150,
        "val_scheduler_criterion": ["valid", "acc"],
        "best_model_criterion": [["valid", "acc", "max"]],
        "keep_nbest_models": 10,
        "log_interval": 50,
    },
    "optim": "adam",
    "optim_conf": {"lr": 0.0005},
    "scheduler": "warmuplr",
    "scheduler_conf": {"warmup_steps": 30_000},
    "dataset": "AudioDataset",
    "dataset_conf": {
        "index_ds": "IndexDSJsonl",
        "batch_sampler": "DynamicBatchLocalShuffleSampler",
        "batch_type": "example",
        "batch_size": 1,
        "max_token_length": 2_048,
        "buffer_size": 500,
        "shuffle": True,
        "num_workers": 0,
    },
    "ctc_conf": {
        "dropout_rate": 0.0,
        "ctc_type": "builtin",
        "reduce": True,
        "ignore_nan_grad": True,
    },
    "normalize": None,
}
"""Settings that FunASR's templates of BiCif-Paraformer and SeACo-Paraformer have beside the
network."""


def with_training_keys(config: Mapping[str, Any]) -> Config:
    """The same network as a hub's folder of Paraformer describes it."""
    return {**config, **_TRAINING}


def asr_config(sizes: ModelSizes) -> Config:
    """BiCif-Paraformer, or SeACo-Paraformer with its decoder for hotwords."""
    config = _bundled(worker.demo_model.ASR_DIR)
    for name in ("seaco_decoder", "seaco_decoder_conf"):
        config.pop(name, None)
    for name in ("inner_dim", "bias_encoder_type", "bias_encoder_bid", "NO_BIAS"):
        config["model_conf"].pop(name, None)
    width = sizes.asr_width
    stack = {"attention_heads": sizes.asr_heads, "linear_units": 4 * width, **_DROPOUT}
    config["model"] = sizes.asr_class
    config["model_conf"] |= {"lsm_weight": 0.1, "sampling_ratio": 0.75}
    config["encoder_conf"] |= stack | {
        "output_size": width,
        "num_blocks": sizes.asr_encoder_blocks,
        "attention_dropout_rate": 0.1,
        "pos_enc_class": "SinusoidalPositionEncoder",
    }
    decoder_stack = stack | {"self_attention_dropout_rate": 0.1, "src_attention_dropout_rate": 0.1}
    config["decoder_conf"] |= decoder_stack | {
        "num_blocks": sizes.asr_decoder_blocks,
        "att_layer_num": sizes.asr_decoder_blocks,
    }
    config["predictor_conf"] |= {"idim": width, "smooth_factor2": 0.25}
    if sizes.asr_class == SEACO:
        config["model_conf"] |= {
            "inner_dim": width,
            "bias_encoder_type": "lstm",
            "bias_encoder_bid": False,
            "seaco_lsm_weight": 0.1,
            "seaco_length_normal": True,
            "train_decoder": False,
            "NO_BIAS": min(8_377, sizes.asr_vocabulary - 1),
        }
        config["seaco_decoder"] = "ParaformerSANMDecoder"
        config["seaco_decoder_conf"] = decoder_stack | {
            "linear_units": 2 * width,
            "num_blocks": sizes.seaco_blocks,
            "kernel_size": 21,
            "sanm_shfit": 0,
            "use_output_layer": False,
            "wo_input_layer": True,
        }
    return with_training_keys(config)


def sensevoice_config(sizes: ModelSizes) -> Config:
    """SenseVoiceSmall's, as both hubs have it, in other sizes."""
    width = sizes.asr_width
    return {
        "encoder": "SenseVoiceEncoderSmall",
        "encoder_conf": {
            "output_size": width,
            "attention_heads": sizes.asr_heads,
            "linear_units": 4 * width,
            "num_blocks": sizes.asr_encoder_blocks,
            "tp_blocks": sizes.asr_last_blocks,
            **_DROPOUT,
            "attention_dropout_rate": 0.1,
            "input_layer": "pe",
            "pos_enc_class": "SinusoidalPositionEncoder",
            "normalize_before": True,
            "kernel_size": 11,
            "sanm_shfit": 0,
            "selfattention_layer_type": "sanm",
        },
        "model": SENSEVOICE,
        "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
        "frontend": "WavFrontend",
        "frontend_conf": {
            "fs": 16_000,
            "window": "hamming",
            "n_mels": 80,
            "frame_length": 25,
            "frame_shift": 10,
            "lfr_m": 7,
            "lfr_n": 6,
            "cmvn_file": None,
        },
        "dataset": "SenseVoiceCTCDataset",
        "dataset_conf": {"index_ds": "IndexDSJsonl", "sos": "${model_conf.sos}", "shuffle": True},
        "train_conf": {"accum_grad": 1, "grad_clip": 5, "max_epoch": 20},
        "optim": "adamw",
        "optim_conf": {"lr": 0.00002},
        "scheduler": "warmuplr",
        "scheduler_conf": {"warmup_steps": 25_000},
        "specaug": "SpecAugLFR",
        "specaug_conf": _SPECAUG,
        "ctc_conf": {"dropout_rate": 0.0, "ctc_type": "builtin", "reduce": True},
        "normalize": None,
    }


def vad_config(sizes: ModelSizes) -> Config:
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


def punc_config(sizes: ModelSizes) -> Config:
    config = _bundled(worker.demo_model.PUNC_DIR)
    width = sizes.punc_width
    config["model_conf"] |= {"embed_unit": width, "att_unit": width, "dropout_rate": 0.1}
    config["encoder_conf"] |= {
        "input_size": width,
        "output_size": width,
        "attention_heads": sizes.punc_heads,
        "linear_units": sizes.punc_linear,
        "num_blocks": sizes.punc_blocks,
        "pos_enc_class": "SinusoidalPositionEncoder",
        **_DROPOUT,
    }
    return config


def configuration(config: Mapping[str, Any], files: frozenset[str]) -> Config:
    """configuration.json: where in the folder FunASR finds what config.yaml leaves open."""
    tokenizer = {"token_list": "tokens.json"} if "tokens.json" in files else {}
    if BPE_MODEL in files:
        tokenizer["bpemodel"] = BPE_MODEL
    if "seg_dict" in files:
        tokenizer["seg_dict_file"] = "seg_dict"
    found: Config = {"init_param": "model.pt", "config": "config.yaml"}
    if tokenizer:
        found["tokenizer_conf"] = tokenizer
    if "am.mvn" in files:
        found["frontend_conf"] = {"cmvn_file": "am.mvn"}
    if "jieba_usr_dict" in files:
        found["jieba_usr_dict"] = "jieba_usr_dict"
    task = "punctuation" if config["model"] == "CTTransformer" else "auto-speech-recognition"
    return {
        "framework": "pytorch",
        "task": task,
        "model": {"type": "funasr"},
        "pipeline": {"type": "funasr-pipeline"},
        "model_name_in_hub": {"ms": "", "hf": ""},
        "file_path_metas": found,
    }


def _bundled(folder: Path) -> Config:
    """The bundled model's configuration: the same classes in other sizes."""
    config: Config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return config
