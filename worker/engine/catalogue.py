"""Which model folders to load, and where they come from: this disk first, the hub last.

Settled before anything is built, so that a wrong name fails at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import worker.demo_model
from shared.errors import ModelUnavailable
from shared.settings import (
    CT_PUNC,
    DEMO,
    FSMN_VAD,
    MODEL_ALIASES,
    PINNED_REVISION,
    Settings,
)

_HASHED = (
    "am.mvn",
    "config.yaml",
    "configuration.json",
    "jieba_usr_dict",
    "model.pt",
    "seg_dict",
    "tokens.json",
    "tokens.txt",
)


class ModelNotDownloaded(ModelUnavailable):
    """The hub has it perhaps, this disk does not, and nobody may ask the hub."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """One network on this disk."""

    name: str
    path: Path
    revision: str
    """A hub's tag, or a hash of the files for a folder of one's own."""
    is_hubs: bool = False

    @property
    def content(self) -> str:
        """What decides its weights: a folder of one's own may go by any name, a tag may not."""
        return f"{self.name}@{self.revision}" if self.is_hubs else self.revision


@dataclass(frozen=True, slots=True)
class ModelFolders:
    asr: ModelFolder
    vad: ModelFolder
    punc: ModelFolder
    is_demo: bool


def locate(
    model: str,
    vad_model: str | None = None,
    punc_model: str | None = None,
    *,
    model_revision: str = PINNED_REVISION,
    vad_revision: str = PINNED_REVISION,
    punc_revision: str = PINNED_REVISION,
    offline: bool = False,
) -> ModelFolders:
    """Find the three networks.

    `model` is 'demo', a hub name, a folder with config.yaml, or a folder with the folders asr/,
    vad/ and punc/; where it brings its companions along they need not be named.  Raises
    ModelUnavailable, saying what to do.
    """
    if model == DEMO:
        return ModelFolders(
            asr=_local(DEMO, worker.demo_model.ASR_DIR),
            vad=_local(DEMO, worker.demo_model.VAD_DIR),
            punc=_local(DEMO, worker.demo_model.PUNC_DIR),
            is_demo=True,
        )
    bundle = Path(model).expanduser()
    if (bundle / "asr").is_dir():
        asr = _local(bundle.resolve().name, bundle / "asr")
        vad_model = vad_model or str(bundle / "vad")
        punc_model = punc_model or str(bundle / "punc")
    else:
        asr = _find(model, model_revision, offline)
    return ModelFolders(
        asr=asr,
        vad=_find(vad_model or FSMN_VAD, vad_revision, offline),
        punc=_find(punc_model or CT_PUNC, punc_revision, offline),
        is_demo=False,
    )


def locate_configured(settings: Settings, *, offline: bool | None = None) -> ModelFolders:
    """What the settings name; `offline` in place of theirs."""
    return locate(
        settings.model,
        settings.vad_model or None,
        settings.punc_model or None,
        model_revision=settings.model_revision,
        vad_revision=settings.vad_model_revision,
        punc_revision=settings.punc_model_revision,
        offline=settings.model_offline if offline is None else offline,
    )


def _find(name: str, revision: str, offline: bool) -> ModelFolder:
    path = Path(name).expanduser()
    if path.is_dir():
        return _local(path.resolve().name, path)
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelUnavailable(f"There is no model folder {path}. Check LONGSCRIBE_MODEL.")
    name = MODEL_ALIASES.get(name, name)
    return ModelFolder(name, _snapshot(name, revision, offline), revision, is_hubs=True)


def _local(name: str, path: Path) -> ModelFolder:
    for needed in ("config.yaml", "model.pt"):
        if not (path / needed).is_file():
            raise ModelUnavailable(
                f"The model folder {path} holds no {needed}. It must be a FunASR model folder "
                "(config.yaml, model.pt, am.mvn, tokens.json), or hold three of them named asr, "
                "vad and punc."
            )
    return ModelFolder(name, path.resolve(), content_revision(path))


def content_revision(path: Path) -> str:
    """The first 12 hex digits of a SHA-256 over the files that decide what a model says."""
    digest = hashlib.sha256()
    for name in _HASHED:
        file = path / name
        if file.is_file():
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()[:12]


def _snapshot(name: str, revision: str, offline: bool) -> Path:
    """The hub's copy of a model: the one cached here, else a download."""
    from modelscope.hub.snapshot_download import snapshot_download
    from modelscope_hub.errors import CacheNotFound, HubError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except CacheNotFound:
        pass
    what_to_do = (
        "Give this machine access to the ModelScope hub once, or download the model elsewhere "
        f"(modelscope download --model {name} --revision {revision}) and set LONGSCRIBE_MODEL to "
        "its folder."
    )
    if offline:
        raise ModelNotDownloaded(
            f"The model {name} ({revision}) is not on this machine. {what_to_do}"
        )
    try:
        return Path(snapshot_download(name, revision=revision))
    except (HubError, OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The model {name} ({revision}) is not on this machine and could not be downloaded "
            f"({type(error).__name__}: {error}). {what_to_do}"
        ) from error
