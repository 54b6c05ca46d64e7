"""Shapes of the four networks, as config.yaml tells them."""

from typing import Any

from funasr import AutoModel  # noqa: F401  (registers the classes that the tables below name)
from funasr.models.bicif_paraformer.model import BiCifParaformer
from funasr.models.seaco_paraformer.model import SeacoParaformer

from worker.demo_model.recipe.language.grammar import VOCABULARY

_WIDTH = 128  # of the recogniser; Paraformer-large has 512 and 50 + 16 layers
_PUNC_WIDTH = 64

# dither=0: FunASR's default adds random numbers to the audio, and the same recording must give the
# same text.
_FBANK: dict[str, Any] = {
    "fs": 16000,
    "window": "hamming",
    "n_mels": 80,
    "frame_length": 25,
    "frame_shift": 10,
    "dither": 0.0,
}
ASR_FRONTEND = {
    **_FBANK,
    "lfr_m": 7,
    "lfr_n": 6,
}  # 7 frames stacked each 60 ms: 560 values
VAD_FRONTEND = {
    **_FBANK,
    "lfr_m": 5,
    "lfr_n": 1,
}  # 5 frames stacked each 10 ms: 400 values

ASR_CONFIG: dict[str, Any] = {
    "model": "BiCifParaformer",
    "model_conf": {
        "ctc_weight": 0.0,
        "lsm_weight": 0.05,
        "length_normalized_loss": True,
        "predictor_weight": 1.0,
        "predictor_bias": 1,
        "sampling_ratio": 0.4,
    },
    "encoder": "SANMEncoder",
    "encoder_conf": {
        "output_size": _WIDTH,
        "attention_heads": 4,
        "linear_units": 4 * _WIDTH,
        "num_blocks": 6,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
        "attention_dropout_rate": 0.0,
        "input_layer": "pe",
        "normalize_before": True,
        "kernel_size": 11,
        "sanm_shfit": 0,
        "selfattention_layer_type": "sanm",
    },
    "decoder": "ParaformerSANMDecoder",
    "decoder_conf": {
        "attention_heads": 4,
        "linear_units": 4 * _WIDTH,
        "num_blocks": 3,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
        "self_attention_dropout_rate": 0.0,
        "src_attention_dropout_rate": 0.0,
        "att_layer_num": 3,
        "kernel_size": 11,
        "sanm_shfit": 0,
    },
    "predictor": "CifPredictorV3",
    "predictor_conf": {
        "idim": _WIDTH,
        "threshold": 1.0,
        "l_order": 1,
        "r_order": 1,
        "tail_threshold": 0.45,
        "smooth_factor2": 1.0,
        "noise_threshold2": 0.01,
        "upsample_times": 3,
        "use_cif1_cnn": False,
        "upsample_type": "cnn_blstm",
    },
    "frontend": "WavFrontend",
    "frontend_conf": ASR_FRONTEND,
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
}

_SEACO_DECODER = {
    **ASR_CONFIG["decoder_conf"],
    "linear_units": _WIDTH,
    "num_blocks": 6,
    "att_layer_num": 6,  # FunASR weighs the words of a long list by the sixth
    "use_output_layer": False,
    "wo_input_layer": True,
}
HOTWORD_CONFIG: dict[str, Any] = {
    **ASR_CONFIG,
    "model": "SeacoParaformer",
    "model_conf": {
        **ASR_CONFIG["model_conf"],
        "inner_dim": _WIDTH,
        "bias_encoder_type": "lstm",
        "bias_encoder_bid": False,
        "NO_BIAS": len(VOCABULARY) - 1,  # <unk>, which nothing is said as
    },
    "seaco_decoder": "ParaformerSANMDecoder",
    "seaco_decoder_conf": _SEACO_DECODER,
}

VAD_CONFIG: dict[str, Any] = {
    "model": "FsmnVADStreaming",
    "model_conf": {
        "sample_rate": 16000,
        "detect_mode": 1,
        "snr_mode": 0,
        "max_end_silence_time": 800,
        "max_start_silence_time": 3000,
        "do_start_point_detection": True,
        "do_end_point_detection": True,
        "window_size_ms": 200,
        "sil_to_speech_time_thres": 150,
        "speech_to_sil_time_thres": 150,
        "speech_2_noise_ratio": 1.0,
        "do_extend": 1,
        "lookback_time_start_point": 200,
        "lookahead_time_end_point": 100,
        "max_single_segment_time": 60000,
        "snr_thres": -100.0,
        "noise_frame_num_used_for_snr": 100,
        "decibel_thres": -100.0,
        "speech_noise_thres": 0.6,
        "fe_prior_thres": 0.0001,
        "silence_pdf_num": 1,
        "sil_pdf_ids": [0],
        "speech_noise_thresh_low": -0.1,
        "speech_noise_thresh_high": 0.3,
        "output_frame_probs": False,
        "frame_in_ms": 10,
        "frame_length_ms": 25,
    },
    "encoder": "FSMN",
    "encoder_conf": {
        "input_dim": 400,
        "input_affine_dim": 64,
        "fsmn_layers": 3,
        "linear_dim": 64,
        "proj_dim": 48,
        "lorder": 20,
        "rorder": 0,
        "lstride": 1,
        "rstride": 0,
        "output_affine_dim": 64,
        "output_dim": 2,
    },
    "frontend": "WavFrontendOnline",
    "frontend_conf": VAD_FRONTEND,
}

PUNCTUATION_LIST = ["<unk>", "_", "，", "。", "？", "、"]  # FunASR's order; "_" is none
PUNC_CONFIG: dict[str, Any] = {
    "model": "CTTransformer",
    "model_conf": {
        "ignore_id": 0,
        "embed_unit": _PUNC_WIDTH,
        "att_unit": _PUNC_WIDTH,
        "dropout_rate": 0.0,
        "punc_list": PUNCTUATION_LIST,
        "punc_weight": [1.0] * len(PUNCTUATION_LIST),
        "sentence_end_id": PUNCTUATION_LIST.index("。"),
    },
    "encoder": "SANMEncoder",
    "encoder_conf": {
        "input_size": _PUNC_WIDTH,
        "output_size": _PUNC_WIDTH,
        "attention_heads": 4,
        "linear_units": 4 * _PUNC_WIDTH,
        "num_blocks": 3,
        "dropout_rate": 0.0,
        "positional_dropout_rate": 0.0,
        "attention_dropout_rate": 0.0,
        "input_layer": "pe",
        "normalize_before": True,
        "kernel_size": 11,
        "sanm_shfit": 0,
        "selfattention_layer_type": "sanm",
        "padding_idx": 0,
    },
    "tokenizer": "CharTokenizer",
    "tokenizer_conf": {"unk_symbol": "<unk>"},
}

SPEAKER_CONFIG: dict[str, Any] = {
    "model": "SpeakerTdnn",  # Longscribe's own; FunASR has none so small
    "model_conf": {"channels": 160, "pooled": 320},
}


_COMPONENTS = ("encoder", "decoder", "predictor", "seaco_decoder")


def _arguments(config: dict[str, Any]) -> dict[str, Any]:
    names = [name for part in _COMPONENTS for name in (part, f"{part}_conf") if name in config]
    return {
        **config["model_conf"],
        **{name: config[name] for name in names},
        "input_size": ASR_FRONTEND["n_mels"] * ASR_FRONTEND["lfr_m"],
        "vocab_size": len(VOCABULARY),
    }


def build_recogniser() -> BiCifParaformer:
    """A BiCifParaformer with random weights."""
    return BiCifParaformer(**_arguments(ASR_CONFIG))


def build_hotword_recogniser() -> SeacoParaformer:
    """Build the recogniser with a bias encoder and decoder for hotwords."""
    return SeacoParaformer(**_arguments(HOTWORD_CONFIG))
