"""Search for the model folders to load: on this disk first, on the hub last.

Settled before anything is built, so that a wrong name or a broken folder fails at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ModelUnavailable
from shared.settings import PINNED_REVISION, Settings, is_demo_model
from worker.model_store.download import LogMeter, Meter, download, drop_broken
from worker.model_store.files import incomplete
from worker.model_store.hubs import open_hub
from worker.model_store.known import SETTING, HubModel, HubName, Role, find_known, resolve
from worker.model_store.parts import (
    Part,
    configured_parts,
    configured_speaker_part,
    folder_punctuates,
    is_folder,
    model_parts,
)
from worker.model_store.revision import examine, names_that_decide

__all__ = [
    "ModelFolder",
    "ModelFolders",
    "ModelNotDownloaded",
    "locate",
    "locate_configured",
    "locate_configured_speakers",
    "remembered_in",
    "require_own_folders",
]

log = logging.getLogger(__name__)

_AGAIN_LOCAL = (
    "Copy the whole folder again from where it came: a FunASR model folder has config.yaml, "
    "model.pt and what its config names (am.mvn, tokens.json), or holds three such folders named "
    "asr, vad and punc; one of FireRedASR2 has model.pth.tar, cmvn.ark and dict.txt."
)

_CANNOT_FETCH = "It is fetched again as soon as the hub may be asked. "


class ModelNotDownloaded(ModelUnavailable):
    """The hub has it perhaps, this disk does not, and nobody may ask the hub."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Network on this disk, complete."""

    name: str
    path: Path
    revision: str
    """The first 12 hex digits of a SHA-256 over its files, whatever tag the hub gave them."""
    is_hubs: bool = False


@dataclass(frozen=True, slots=True)
class ModelFolders:
    asr: ModelFolder
    vad: ModelFolder
    punc: ModelFolder | None
    """Folder of the punctuation network; None beside a recogniser that marks its words itself."""
    is_demo: bool


@dataclass(frozen=True, slots=True)
class _Search:
    """Options of the search for folders."""

    hub: HubName
    offline: bool
    memory: Path | None
    meter: Meter | None = None
    """Meter that is told how a download moves; None: the log."""
    again: bool = False
    """Files that are here are fetched again, whole as they may look."""


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
) -> ModelFolders:
    """Find the networks, whole: three, or two where the recogniser marks its words itself.

    `parts.model_parts` says what may be named.  `memory` is the file that remembers folders which
    were read to their end, see `remembered_in`.  Raises ModelUnavailable, saying what to do.
    """
    parts = model_parts(
        model,
        vad_model,
        punc_model,
        model_revision=model_revision,
        vad_revision=vad_revision,
        punc_revision=punc_revision,
    )
    return _whole(parts, _Search(hub, offline, memory))


def locate_configured(settings: Settings, *, offline: bool | None = None) -> ModelFolders:
    """Locate the parts that the settings name; `offline` replaces their setting."""
    offline = settings.model_offline if offline is None else offline
    memory = remembered_in(settings.data_dir)
    return _whole(configured_parts(settings), _Search(settings.model_hub, offline, memory))


def require_own_folders(settings: Settings) -> None:
    """Look whether the operator's own folders of the recogniser and of voice activity are whole,
    where the settings name any; of the hub nothing is looked at.

    Raises ModelUnavailable, saying what to do.
    """
    search = _Search(settings.model_hub, True, remembered_in(settings.data_dir))
    for part in configured_parts(settings)[:2]:
        if part.folder is not None:
            _find(part, search)


def locate_configured_speakers(settings: Settings) -> ModelFolder:
    """The network that tells voices apart, as the settings name it, whole.

    Raises ModelUnavailable, saying what to do.
    """
    search = _Search(settings.model_hub, settings.model_offline, remembered_in(settings.data_dir))
    return _find(configured_speaker_part(settings), search)


def fetched(
    name: str, role: Role, revision: str, settings: Settings, meter: Meter, *, again: bool = False
) -> ModelFolder:
    """A model of the hub that the settings name, from its cache, unless it is to be fetched again,
    or downloaded.

    Raises ModelUnavailable, saying what to do.
    """
    search = _Search(settings.model_hub, False, remembered_in(settings.data_dir), meter, again)
    return _from_hub(resolve(name, role, settings.model_hub, revision), search)


def own_folder(name: str, path: Path, settings: Settings) -> ModelFolder:
    """A folder of the operator's own, whole. Raises ModelUnavailable, saying what to do."""
    memory = remembered_in(settings.data_dir)
    return _local(name, path, _Search(settings.model_hub, True, memory))


def remembered_in(data_dir: Path) -> Path:
    """The file that remembers which folders were read to their end."""
    return data_dir / "models.json"


def _whole(parts: tuple[Part, Part, Part | None], search: _Search) -> ModelFolders:
    asr, vad = (_find(part, search) for part in parts[:2])
    punctuation = parts[2]
    if punctuation is None or folder_punctuates(asr.path):
        # Of a hub's model that is in no table the class is known only here.
        punc = None
    else:
        punc = _find(punctuation, search)
    return ModelFolders(asr, vad, punc, is_demo=is_demo_model(parts[0].name))


def _find(part: Part, search: _Search) -> ModelFolder:
    if part.folder is None:
        return _from_hub(resolve(part.name, part.role, search.hub, part.revision), search)
    if not is_folder(part.folder):
        raise ModelUnavailable(
            f"There is no model folder {part.folder}. Check {SETTING[part.role]}."
        )
    return _local(part.title, part.folder, search)


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
        if not examined.problems and search.again:
            for name in names_that_decide(path):
                drop_broken(path, name)
        elif not examined.problems:
            return ModelFolder(model.name, path, examined.revision, is_hubs=True)
        if any(problem.is_permission for problem in examined.problems):
            raise incomplete(path, examined.problems, "Give this account the permission.")
        if search.offline:
            raise incomplete(path, examined.problems, _CANNOT_FETCH + _what_to_do(model))
        for problem in examined.problems:
            log.warning("the model folder %s %s; it is fetched again", path, problem.reason)
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
    known = find_known(model.name)
    carried, setting = "DIR", SETTING["asr"]
    if known is not None and known.role == "spk":
        carried, setting = "DIR/spk", SETTING["spk"]
    return (
        f"Get it with: longscribe models download {model.name}; for a machine without network add "
        f"--to DIR on another one, carry {carried} over and set {setting} to it."
    )
