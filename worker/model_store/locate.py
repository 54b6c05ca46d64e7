"""Which model folders to load, and where they come from: this disk first, the hub last.

Settled before anything is built, so that a wrong name or a broken folder fails at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import worker.demo_model
from shared.errors import ModelUnavailable
from shared.settings import CT_PUNC, DEMO, FSMN_VAD, PINNED_REVISION, Settings, is_demo_model
from worker.model_store.download import LogMeter, Meter, download, drop_broken
from worker.model_store.files import incomplete
from worker.model_store.hubs import open_hub
from worker.model_store.known import SETTING, HubModel, HubName, Role, resolve
from worker.model_store.revision import examine

__all__ = [
    "ModelFolder",
    "ModelFolders",
    "ModelNotDownloaded",
    "locate",
    "locate_configured",
    "remembered_in",
]

log = logging.getLogger(__name__)

_AGAIN_LOCAL = (
    "Copy the whole folder again from where it came: a FunASR model folder has config.yaml, "
    "model.pt and what its config names (am.mvn, tokens.json), or holds three such folders named "
    "asr, vad and punc."
)

_CANNOT_FETCH = "It is fetched again as soon as the hub may be asked. "


class ModelNotDownloaded(ModelUnavailable):
    """The hub has it perhaps, this disk does not, and nobody may ask the hub."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """One network on this disk, whole."""

    name: str
    path: Path
    revision: str
    """The first 12 hex digits of a SHA-256 over its files, whatever tag the hub gave them."""
    is_hubs: bool = False


@dataclass(frozen=True, slots=True)
class ModelFolders:
    asr: ModelFolder
    vad: ModelFolder
    punc: ModelFolder
    is_demo: bool


@dataclass(frozen=True, slots=True)
class _Search:
    """How folders are looked for."""

    hub: HubName
    offline: bool
    memory: Path | None
    meter: Meter | None


def locate(
    model: str,
    vad_model: str | None = None,
    punc_model: str | None = None,
    *,
    model_revision: str = PINNED_REVISION,
    vad_revision: str = PINNED_REVISION,
    punc_revision: str = PINNED_REVISION,
    offline: bool = False,
    hub: HubName = "modelscope",
    memory: Path | None = None,
    meter: Meter | None = None,
) -> ModelFolders:
    """Find the three networks, whole.

    `model` is 'demo', a hub name, a folder with config.yaml, or a folder with the folders asr/,
    vad/ and punc/; where it brings its companions along they need not be named.  `memory` is the
    file that remembers folders which were read to their end (see `remembered_in`), `meter` is told
    how a download moves (the log, if None).  Raises ModelUnavailable, saying what to do.
    """
    search = _Search(hub, offline, memory, meter)
    if is_demo_model(model):
        return ModelFolders(
            asr=_local(DEMO, worker.demo_model.ASR_DIR, search),
            vad=_local(DEMO, worker.demo_model.VAD_DIR, search),
            punc=_local(DEMO, worker.demo_model.PUNC_DIR, search),
            is_demo=True,
        )
    bundle = bundle_of(model)
    if bundle is not None:
        asr = _local(bundle.resolve().name, bundle / "asr", search)
        vad_model = vad_model or str(bundle / "vad")
        punc_model = punc_model or str(bundle / "punc")
    else:
        asr = _find(model, "asr", model_revision, search)
    return ModelFolders(
        asr=asr,
        vad=_find(vad_model or FSMN_VAD, "vad", vad_revision, search),
        punc=_find(punc_model or CT_PUNC, "punc", punc_revision, search),
        is_demo=False,
    )


def locate_configured(
    settings: Settings, *, offline: bool | None = None, meter: Meter | None = None
) -> ModelFolders:
    """What the settings name; `offline` in place of theirs."""
    return locate(
        settings.model,
        settings.vad_model or None,
        settings.punc_model or None,
        model_revision=settings.model_revision,
        vad_revision=settings.vad_model_revision,
        punc_revision=settings.punc_model_revision,
        offline=settings.model_offline if offline is None else offline,
        hub=settings.model_hub,
        memory=remembered_in(settings.data_dir),
        meter=meter,
    )


def fetched(name: str, role: Role, revision: str, settings: Settings, meter: Meter) -> ModelFolder:
    """A model of the hub that the settings name, from its cache or downloaded.

    Raises ModelUnavailable, saying what to do.
    """
    search = _Search(settings.model_hub, False, remembered_in(settings.data_dir), meter)
    return _from_hub(resolve(name, role, settings.model_hub, revision), search)


def own_folder(name: str, path: Path, settings: Settings) -> ModelFolder:
    """A folder of the operator's own, whole. Raises ModelUnavailable, saying what to do."""
    memory = remembered_in(settings.data_dir)
    return _local(name, path, _Search(settings.model_hub, True, memory, None))


def remembered_in(data_dir: Path) -> Path:
    """The file that remembers which folders were read to their end."""
    return data_dir / "models.json"


def bundle_of(model: str) -> Path | None:
    """The folder that `model` names if it has the recogniser in asr/, beside vad/ and punc/.

    Absolute, so that a companion which is missing is never taken for a hub's name.
    """
    folder = Path(model).expanduser().absolute()
    return folder if is_folder(folder / "asr") else None


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder. Raises ModelUnavailable if this account may not look."""
    try:
        return path.is_dir()
    except OSError as error:
        raise ModelUnavailable(
            f"The model folder {path.parent} cannot be read ({error.strerror or error}). Give this "
            "account the permission."
        ) from error


def _find(name: str, role: Role, revision: str, search: _Search) -> ModelFolder:
    path = Path(name).expanduser()
    if is_folder(path):
        return _local(path.resolve().name, path, search)
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelUnavailable(f"There is no model folder {path}. Check {SETTING[role]}.")
    return _from_hub(resolve(name, role, search.hub, revision), search)


def _local(name: str, path: Path, search: _Search) -> ModelFolder:
    examined = examine(path, search.memory)
    if examined.problems:
        raise incomplete(path, examined.problems, _AGAIN_LOCAL)
    return ModelFolder(name, path.resolve(), examined.revision)


def _from_hub(model: HubModel, search: _Search) -> ModelFolder:
    """The cached folder if it is whole, else a download; what is broken is fetched again."""
    hub = open_hub(search.hub)
    path = hub.cached(model)
    if path is not None:
        examined = examine(path, search.memory)
        if not examined.problems:
            return ModelFolder(model.name, path, examined.revision, is_hubs=True)
        if any(problem.is_permission for problem in examined.problems):
            raise incomplete(path, examined.problems, "Give this account the permission.")
        if search.offline:
            raise incomplete(path, examined.problems, _CANNOT_FETCH + _what_to_do(model))
        log.warning(
            "the model folder %s %s; it is fetched again", path, examined.problems[0].reason
        )
        for problem in examined.problems:
            drop_broken(path, problem.name)
    elif search.offline:
        raise ModelNotDownloaded(
            f"The model {model.name} ({model.revision}) is not on this machine. "
            f"{_what_to_do(model)}"
        )
    path = download(hub, model, search.meter or LogMeter())
    examined = examine(path, search.memory)
    if examined.problems:
        step = f"{hub.title} gave it so; take another revision or another model."
        raise incomplete(path, examined.problems, step)
    return ModelFolder(model.name, path, examined.revision, is_hubs=True)


def _what_to_do(model: HubModel) -> str:
    return (
        f"Get it with: longscribe models download {model.name}; for a machine without network add "
        "--to DIR on another one, carry DIR over and set LONGSCRIBE_MODEL to it."
    )
