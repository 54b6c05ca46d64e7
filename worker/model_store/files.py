"""Files that a model folder needs, for FunASR's as its config says, and the check that each is
complete.

FunASR itself takes what it finds: without am.mvn it runs unnormalised, without tokens.json it
fails deep inside, and a checkpoint that ends early is a bare RuntimeError.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from shared.errors import ModelUnavailable
from worker.model_store.config_yaml import CONFIG, read_config
from worker.model_store.protobuf import is_whole_message

CONFIGURATION = "configuration.json"
CHECKPOINT = "model.pt"
NORMALISATION = "am.mvn"
TOKENS = ("tokens.json", "tokens.txt")
BPE_MODEL = "chn_jpn_yue_eng_ko_spectok.bpe.model"
"""SenseVoice's SentencePiece model."""
_BPE_MODELS = (BPE_MODEL, "bpe.model")
"""With the one that FunASR takes from a folder without configuration.json."""
SENTENCEPIECES = "SentencepiecesTokenizer"
WORD_LIST = "jieba_usr_dict"
OPTIONAL = ("seg_dict", WORD_LIST)
"""Taken where they lie; needed where configuration.json or config.yaml names them."""

NORMALISES_ITSELF = frozenset({"CAMPPlus"})
"""FunASR's networks that need no am.mvn, though their config.yaml names a frontend."""

PUNCTUATES_ITSELF = frozenset({"SenseVoiceSmall"})
"""FunASR's recognisers whose words bring their marks along, so that no punctuation network is
needed, nor downloaded, beside them."""

FIRERED_AED = "FireRedAsrAed"
FIRERED_LLM = "FireRedAsrLlm"
"""Class by which FireRedASR's own code calls the networks of its folders, in which nothing else
names them: they have no config.yaml, or one that says nothing."""
FIRERED_CHECKPOINT = "model.pth.tar"
FIRERED_NORMALISATION = "cmvn.ark"
FIRERED_TOKENS = "dict.txt"
FIRERED_NEEDS = (FIRERED_NORMALISATION, FIRERED_TOKENS, FIRERED_CHECKPOINT)
_FIRERED_LLM_ENCODER = "asr_encoder.pth.tar"

_KALDI_END = b"</Nnet>"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Defect of one needed file."""

    name: str
    reason: str
    """Follows 'The model folder X': 'holds no am.mvn'."""
    is_permission: bool = False
    """The file may be whole; this account cannot read it."""


def incomplete(folder: Path, problems: Sequence[FileProblem], next_step: str) -> ModelUnavailable:
    """The error for a folder with these problems, of which the message tells the first."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return ModelUnavailable(f"The model folder {folder} {problems[0].reason}{more}. {next_step}")


def needed_files(folder: Path, on_hub: Collection[str] | None = None) -> list[str]:
    """Names of the files that the config in `folder` needs, relative to it and sorted.

    `on_hub`: what else could be there, while a download has brought the config alone.  Raises
    ModelUnavailable if config.yaml cannot be read.
    """
    kind = firered_class(names_in(folder) if on_hub is None else on_hub)
    if kind == FIRERED_LLM:
        return []  # it is refused for its class, not for what it lacks of the other's files
    if kind:
        return sorted(FIRERED_NEEDS)
    config = read_config(folder)
    metas = _file_metas(folder)
    needed = {CONFIG, checkpoint_name(folder)}
    needed.update(named for named in _strings(metas) if _is_inside(named))
    if config.get("frontend") and config.get("model") not in NORMALISES_ITSELF:
        needed.add(normalisation_name(folder))
    if config.get("tokenizer") == SENTENCEPIECES:
        needed.add(sentencepiece_name(folder, on_hub))
    elif config.get("tokenizer"):
        needed.add(token_list_name(folder, on_hub))
    for optional in OPTIONAL:
        conf = config.get("tokenizer_conf")
        if config.get(optional) or (isinstance(conf, dict) and conf.get(optional)):
            needed.add(optional)
    if (folder / CONFIGURATION).exists():
        needed.add(CONFIGURATION)
    return sorted(needed)


def folder_class(folder: Path) -> str:
    """The class of a folder's network: what config.yaml names as `model`, or by its files one of
    FireRedASR's. Raises ModelUnavailable for a folder that is neither's."""
    return firered_class(names_in(folder)) or str(read_config(folder).get("model"))


def firered_class(names: Collection[str]) -> str | None:
    """Class of FireRedASR's network in a folder of these files, complete or not; None if it is of
    another kind."""
    if _FIRERED_LLM_ENCODER in names:
        return FIRERED_LLM
    has_any = FIRERED_CHECKPOINT in names or FIRERED_NORMALISATION in names
    return FIRERED_AED if has_any else None


def names_in(folder: Path) -> frozenset[str]:
    """Names of the files in a folder; none for a folder that cannot be read, which other checks
    report."""
    try:
        return frozenset(path.name for path in folder.iterdir())
    except OSError:
        return frozenset()


def checkpoint_name(folder: Path) -> str:
    """The name of the file with the parameters: configuration.json's, else model.pt."""
    named = _file_metas(folder).get("init_param")
    return named if isinstance(named, str) and _is_inside(named) else CHECKPOINT


def normalisation_name(folder: Path) -> str:
    """The name of the file with the features' statistics: configuration.json's, else am.mvn."""
    return _named(_file_metas(folder), "frontend_conf", "cmvn_file") or NORMALISATION


def token_list_name(folder: Path, on_hub: Collection[str] | None = None) -> str:
    """The name of the list of tokens: configuration.json's, else whichever is there, tokens.json
    where both are, as FunASR prefers it. `on_hub`: as for `needed_files`."""
    named = _named(_file_metas(folder), "tokenizer_conf", "token_list")
    return named or _first_there(TOKENS, folder, on_hub)


def sentencepiece_name(folder: Path, on_hub: Collection[str] | None = None) -> str:
    """The name of the SentencePiece model: configuration.json's, config.yaml's, else whichever of
    the usual is there. `on_hub`: as for `needed_files`.

    Raises ModelUnavailable if config.yaml cannot be read.
    """
    named = _named(_file_metas(folder), "tokenizer_conf", "bpemodel")
    named = named or _named(read_config(folder), "tokenizer_conf", "bpemodel")
    return named or _first_there(_BPE_MODELS, folder, on_hub)


def word_list_name(folder: Path) -> str:
    """The name of the words by which jieba cuts a text: configuration.json's, else that which
    FunASR takes wherever it lies."""
    named = _file_metas(folder).get(WORD_LIST)
    return named if isinstance(named, str) and _is_inside(named) else WORD_LIST


def _first_there(names: Sequence[str], folder: Path, on_hub: Collection[str] | None) -> str:
    """The first of the names that the folder, or the hub, has; the first of all if it has none."""
    for name in names:
        if name in on_hub if on_hub is not None else (folder / name).exists():
            return name
    return names[0]


def _file_metas(folder: Path) -> dict[str, Any]:
    """configuration.json's file_path_metas; FunASR resolves each string in it to a file."""
    path = folder / CONFIGURATION
    try:
        configuration = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        # Missing is well; what else is wrong with it is found when its content is read.
        return {}
    metas = configuration.get("file_path_metas") if isinstance(configuration, dict) else None
    return metas if isinstance(metas, dict) else {}


def _named(metas: dict[str, Any], part: str, key: str) -> str | None:
    section = metas.get(part)
    named = section.get(key) if isinstance(section, dict) else None
    return named if isinstance(named, str) and _is_inside(named) else None


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _is_inside(name: str) -> bool:
    """Return whether a name that a model brings along leads to no file outside of its folder."""
    path = PurePosixPath(name)
    return (
        bool(path.name) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
    )


def readable_problem(folder: Path, name: str) -> FileProblem | None:
    """Problem of a needed file that is missing, no file, empty or not readable; None if it has
    none."""
    path = folder / name
    try:
        if path.is_dir():
            return FileProblem(name, f"has a folder where the file {name} should be")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError:
        return FileProblem(name, f"holds no {name}")
    except OSError as error:
        reason = f"has a {name} that cannot be read ({error.strerror or error})"
        return FileProblem(name, reason, is_permission=True)
    return FileProblem(name, f"has an empty {name}") if size == 0 else None


def pointer_problem(name: str, start: bytes) -> FileProblem | None:
    """Problem of a file that begins with `start` if that is what Git leaves of it until Git LFS has
    fetched it; else None."""
    if not start.startswith(_LFS_POINTER):
        return None
    return FileProblem(name, f"has of {name} only Git's pointer to it (git lfs pull fetches it)")


def content_problem(name: str, content: bytes) -> FileProblem | None:
    """Problem of a small file (tokens, normalisation, configuration) with incomplete content; None
    if it has none."""
    if name.endswith(".json"):
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError):
            return FileProblem(name, f"has a {name} that is cut short or no JSON")
        wanted = dict if name == CONFIGURATION else list
        if not isinstance(parsed, wanted) or (wanted is list and not parsed):
            return FileProblem(name, f"has a {name} that holds no {wanted.__name__}")
    is_cut = name.endswith(".mvn") and not content.rstrip().endswith(_KALDI_END)
    if is_cut or (name.endswith(".model") and not is_whole_message(content)):
        return FileProblem(name, f"has a {name} that is cut short")
    return None
