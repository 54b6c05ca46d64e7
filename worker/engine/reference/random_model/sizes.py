"""Architecture sizes of FunASR's released networks, and smaller ones for tests."""

from __future__ import annotations

from dataclasses import dataclass, replace

BICIF = "BiCifParaformer"
SEACO = "SeacoParaformer"
SENSEVOICE = "SenseVoiceSmall"
FIRERED = "FireRedAsrAed"


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """Sizes that decide the cost of the three networks.

    The defaults are those of Paraformer-large with timestamps (220 M parameters), FSMN-VAD and
    `ct-punc`, the CT-Transformer that FunASR takes by default: 516 wide, 12 blocks, a vocabulary of
    471,067 words.  With feed-forward layers of 2,048 that comes to 281 M parameters, or 1.13 GB in
    float32, which is what the hub's file weighs.
    """

    asr_class: str = BICIF
    """`SEACO` for what FunASR means by paraformer-zh: the same and a decoder for hotwords.
    `SENSEVOICE` for one that has an encoder alone, and marks its words itself; `FIRERED` for one
    that writes a token after the other."""
    asr_width: int = 512
    asr_encoder_blocks: int = 50
    asr_decoder_blocks: int = 16
    asr_last_blocks: int = 20
    """SenseVoice's further encoder blocks (tp_blocks)."""
    asr_heads: int = 4
    asr_vocabulary: int = 8_404
    seaco_blocks: int = 4
    vad_affine: int = 140
    vad_layers: int = 4
    vad_linear: int = 250
    vad_projection: int = 128
    vad_outputs: int = 248
    punc_width: int = 516
    punc_blocks: int = 12
    punc_heads: int = 12
    punc_linear: int = 2_048
    punc_vocabulary: int = 471_067
    punc_words: int = 100_000
    """Words of two to four characters in the vocabulary and in jieba_usr_dict, which then cuts the
    text; 0 for a network that reads by the character and brings no such file."""


LARGE = ModelSizes()
LARGE_SEACO = replace(LARGE, asr_class=SEACO)
LARGE_CT_PUNC_C = replace(
    LARGE,
    punc_width=256,
    punc_blocks=4,
    punc_heads=8,
    punc_linear=1_024,
    punc_vocabulary=272_727,
    punc_words=0,
)
"""Sizes with `ct-punc-c`, the smaller CT-Transformer (73 M parameters, 291 MB)."""
LARGE_SENSEVOICE = replace(LARGE, asr_class=SENSEVOICE, asr_vocabulary=25_055)
"""SenseVoiceSmall's (234 M parameters) beside the same voice activity."""

LARGE_FIRERED = replace(
    LARGE,
    asr_class=FIRERED,
    asr_width=1_280,
    asr_encoder_blocks=16,
    asr_decoder_blocks=16,
    asr_heads=20,
    asr_vocabulary=8_667,
)
"""FireRedASR2-AED's (1.15 billion parameters) beside the same voice activity and punctuation."""

SIZES = {
    "large": LARGE,
    "large-seaco": LARGE_SEACO,
    "large-ct-punc-c": LARGE_CT_PUNC_C,
    "large-sensevoice": LARGE_SENSEVOICE,
    "large-firered": LARGE_FIRERED,
}
"""Sizes by the name that the command takes."""
