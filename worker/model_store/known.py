"""The models that Longscribe runs, by their names on both hubs, and those that it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.errors import ModelUnavailable
from shared.settings import CAMPPLUS, CT_PUNC, FSMN_VAD, PARAFORMER_LARGE, PINNED_REVISION

Role = Literal["asr", "vad", "punc", "spk"]
HubName = Literal["modelscope", "huggingface"]

ROLES: tuple[Role, ...] = ("asr", "vad", "punc")
"""Roles without which nothing is transcribed; a speaker encoder is for jobs that ask who speaks."""

SETTING: dict[Role, str] = {
    "asr": "LONGSCRIBE_MODEL",
    "vad": "LONGSCRIBE_VAD_MODEL",
    "punc": "LONGSCRIBE_PUNC_MODEL",
    "spk": "LONGSCRIBE_SPEAKER_MODEL",
}

HUGGINGFACE_BRANCH = "main"
"""Branch that is taken from Hugging Face, where ModelScope's version tags do not exist."""

CAMPPLUS_REVISION = "v2.0.2"

UNTAGGED = "master"
"""ModelScope's branch, for a model that has no tags of releases."""

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that the engine runs."""

    alias: str
    """FunASR's short name for it, or ours where FunASR has none."""
    role: Role
    modelscope: str
    huggingface: str | None
    """Repository at Hugging Face; None: Hugging Face does not have it."""
    revision: str
    """ModelScope's tag of the release that was tried."""
    size_bytes: int
    """Approximate bytes of a download, model.pt above all."""
    description: str
    also: tuple[str, ...] = ()
    """Further names, as people and FunASR's own commands write them."""
    punctuates: bool = False
    """True if it punctuates its words itself and needs no punctuation network."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names by which the model may be given."""
        hubs = (self.modelscope, self.huggingface)
        return (self.alias, *self.also, *(name for name in hubs if name))

    def on(self, hub: HubName) -> str:
        """Name of the model on a hub; raises ModelUnavailable where the hub does not have it."""
        if hub == "modelscope":
            return self.modelscope
        if self.huggingface is None:
            raise ModelUnavailable(
                f"The model {self.alias} is not on Hugging Face. Set "
                f"LONGSCRIBE_MODEL_HUB=modelscope{_INSTEAD_ON_HUGGINGFACE[self.role]}."
            )
        return self.huggingface


_INSTEAD_ON_HUGGINGFACE = {
    "asr": ", or take LONGSCRIBE_MODEL=paraformer-zh",
    "vad": "",
    "punc": ", or take LONGSCRIBE_PUNC_MODEL=ct-punc",
    "spk": "",
}

KNOWN_MODELS = (
    KnownModel(
        alias="paraformer-large",
        role="asr",
        modelscope=PARAFORMER_LARGE,
        huggingface=None,
        revision=PINNED_REVISION,
        size_bytes=900 * _MB,
        description="Paraformer-large for long recordings, Mandarin with some English; the default",
    ),
    KnownModel(
        alias="paraformer-zh",
        role="asr",
        modelscope="iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
        huggingface="funasr/paraformer-zh",
        revision=PINNED_REVISION,
        size_bytes=900 * _MB,
        description="SeACo-Paraformer, what FunASR 1.4 calls paraformer-zh; takes hotwords",
    ),
    KnownModel(
        alias="SenseVoiceSmall",
        role="asr",
        modelscope="iic/SenseVoiceSmall",
        huggingface="FunAudioLLM/SenseVoiceSmall",
        revision=UNTAGGED,
        size_bytes=937 * _MB,
        description="SenseVoice, Mandarin, Cantonese, English, Japanese, Korean; marks by itself",
        also=("sensevoice", "sensevoice-small"),
        punctuates=True,
    ),
    KnownModel(
        alias="FireRedASR2-AED",
        role="asr",
        modelscope="xukaituo/FireRedASR2-AED",
        huggingface="FireRedTeam/FireRedASR2-AED",
        revision=UNTAGGED,
        size_bytes=4732 * _MB,
        description="FireRedASR2-AED, Mandarin, its dialects and English; for a GPU",
        also=("firered", "fireredasr2-aed"),
    ),
    KnownModel(
        alias="fsmn-vad",
        role="vad",
        modelscope=FSMN_VAD,
        huggingface="funasr/fsmn-vad",
        revision=PINNED_REVISION,
        size_bytes=1_700_000,
        description="finds speech; the default",
    ),
    KnownModel(
        alias="ct-punc",
        role="punc",
        modelscope=CT_PUNC,
        huggingface="funasr/ct-punc",
        revision=PINNED_REVISION,
        size_bytes=1100 * _MB,
        description="punctuation, Chinese and English; the default",
    ),
    KnownModel(
        alias="ct-punc-c",
        role="punc",
        modelscope="iic/punc_ct-transformer_zh-cn-common-vocab272727-pytorch",
        huggingface=None,
        revision=PINNED_REVISION,
        size_bytes=291 * _MB,
        description="punctuation, Chinese, a quarter of the download",
    ),
    KnownModel(
        alias="cam++",
        role="spk",
        modelscope=CAMPPLUS,
        huggingface="funasr/campplus",
        revision=CAMPPLUS_REVISION,
        size_bytes=28 * _MB,
        description="CAM++, tells voices apart; the default",
    ),
)

_BY_NAME = {name: model for model in KNOWN_MODELS for name in model.names}

_TAKE_ASR = "Take paraformer-zh, paraformer-large, SenseVoiceSmall or FireRedASR2-AED."

_REFUSED = {
    "paraformer": f"the plain Paraformer, which gives no word times. {_TAKE_ASR}",
    "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch": "the plain "
    f"Paraformer, which gives no word times. {_TAKE_ASR}",
    "iic/speech_paraformer-large-contextual_asr_nat-zh-cn-16k-common-vocab8404": "the contextual "
    f"Paraformer, which gives no word times. {_TAKE_ASR}",
    "paraformer-zh-streaming": f"a Paraformer for live sound. {_TAKE_ASR}",
    "funasr/paraformer-zh-streaming": f"a Paraformer for live sound. {_TAKE_ASR}",
    "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-online": "a Paraformer for "
    f"live sound. {_TAKE_ASR}",
    "paraformer-en": f"a Paraformer for English alone. {_TAKE_ASR}",
    "paraformer-en-spk": f"a Paraformer for English alone. {_TAKE_ASR}",
    "funasr/paraformer-en": f"a Paraformer for English alone. {_TAKE_ASR}",
    "iic/speech_paraformer-large-vad-punc_asr_nat-en-16k-common-vocab10020": "a Paraformer for "
    f"English alone. {_TAKE_ASR}",
    "fa-zh": f"a network that aligns a known text. {_TAKE_ASR}",
    "funasr/fa-zh": f"a network that aligns a known text. {_TAKE_ASR}",
}
"""FunASR's names whose networks the engine cannot run."""

_REFUSED_FAMILIES = {
    "contextual_asr": "a contextual Paraformer, which gives no word times",
    "whisper": "Whisper, another kind of network",
    "fun-asr": "Fun-ASR, another kind of network",
    "funasrnano": "Fun-ASR-Nano, another kind of network",
    "qwen": "a Qwen model, another kind of network",
    "fireredasr-aed": "the first FireRedASR-AED, which gives no word times",
    "fireredasr-llm": "FireRedASR-LLM, which gives no word times",
    "fireredasr2-llm": "FireRedASR2-LLM, which gives no word times",
    "emotion2vec": "a network for emotions",
    "paraformer-tiny": "a small Paraformer, which gives no word times",
    "uniasr": "UniASR, another kind of network",
    "conformer_asr": "a Conformer, another kind of network",
}
"""Parts of a name, in small letters, that say as much."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model's name and revision on one hub."""

    name: str
    revision: str
    size_bytes: int | None = None
    """About its size; None for a model that is not in the table."""


def find_known(name: str) -> KnownModel | None:
    """The table's entry by alias or by its name on either hub."""
    return _BY_NAME.get(name)


def resolve(name: str, role: Role, hub: HubName, revision: str = PINNED_REVISION) -> HubModel:
    """Find the model of a hub that `name` in the settings stands for.

    Names that are not in the table pass as they are: somebody's own fine-tuned model.  Raises
    ModelUnavailable, before anything is downloaded, for a network that the engine cannot run, one
    of another role, and one that this hub does not have.
    """
    known = find_known(name)
    if known is None:
        _refuse(name)
    elif known.role != role:
        instead = ", ".join(model.alias for model in KNOWN_MODELS if model.role == role)
        raise ModelUnavailable(
            f"{SETTING[role]} names {name}, which does another work. Take one of {instead}."
        )
    if hub == "huggingface" and revision in (PINNED_REVISION, CAMPPLUS_REVISION, UNTAGGED):
        revision = HUGGINGFACE_BRANCH
    if known is None:
        return HubModel(name, revision)
    return HubModel(known.on(hub), revision, known.size_bytes)


def _refuse(name: str) -> None:
    reason = _REFUSED.get(name)
    if reason is None:
        small = name.lower()
        family = next((told for part, told in _REFUSED_FAMILIES.items() if part in small), None)
        reason = f"{family}. {_TAKE_ASR}" if family else None
    if reason:
        raise ModelUnavailable(f"Longscribe cannot run {name}: it is {reason}")
    if "/" not in name:
        known = ", ".join(model.alias for model in KNOWN_MODELS)
        raise ModelUnavailable(
            f"There is no model folder {name}, and no model goes by that name. Take one of "
            f"{known}, a hub's full name (owner/name), or a folder."
        )
