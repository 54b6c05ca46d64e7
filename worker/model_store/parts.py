"""Networks that belong to a model, each named by a hub's name or by a folder.

Read from the names alone and from which folders there are; nothing is examined or downloaded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import worker.demo_model
from shared.errors import ModelUnavailable
from shared.settings import (
    CAMPPLUS,
    CT_PUNC,
    DEMO,
    FSMN_VAD,
    PINNED_REVISION,
    Settings,
    is_demo_model,
)
from worker.model_store.config_yaml import CONFIG
from worker.model_store.files import (
    PUNCTUATES_ITSELF,
    checkpoint_name,
    folder_class,
    names_in,
)
from worker.model_store.known import Role, find_known, resolve


@dataclass(frozen=True, slots=True)
class Part:
    """Network that is part of a model."""

    role: Role
    name: str
    """Name as it is given: 'demo', a hub's name or alias, or a folder."""
    revision: str
    """Revision of a hub's model; without meaning for a folder."""
    folder: Path | None = None
    """Folder as it was given, which need not be there; None for what a hub has."""
    title: str = ""
    """Name of the model in the folder; '' where a hub's name does for it."""


def model_parts(
    model: str,
    vad_model: str | None = None,
    punc_model: str | None = None,
    *,
    model_revision: str = PINNED_REVISION,
    vad_revision: str = PINNED_REVISION,
    punc_revision: str = PINNED_REVISION,
) -> tuple[Part, Part, Part | None]:
    """Recogniser, voice activity and punctuation of a model, in this order; no punctuation for a
    recogniser that is known to mark its words itself.

    `model` is 'demo', a hub name, a folder with config.yaml, or a folder with the folders asr/,
    vad/ and punc/; where it brings its companions along they need not be named.  Raises
    ModelUnavailable for a folder that this account may not look into.
    """
    if is_demo_model(model):
        return (
            Part("asr", DEMO, "", worker.demo_model.ASR_DIR, DEMO),
            Part("vad", DEMO, "", worker.demo_model.VAD_DIR, DEMO),
            Part("punc", DEMO, "", worker.demo_model.PUNC_DIR, DEMO),
        )
    asr, vad, punc = model, FSMN_VAD, CT_PUNC
    bundle = _bundle_of(model)
    if bundle is not None:
        asr, vad, punc = (str(bundle / part) for part in ("asr", "vad", "punc"))
    recogniser = _part("asr", asr, model_revision, bundle)
    return (
        recogniser,
        _part("vad", vad_model or vad, vad_revision),
        None
        if _punctuates_itself(recogniser)
        else _part("punc", punc_model or punc, punc_revision),
    )


def configured_parts(settings: Settings) -> tuple[Part, Part, Part | None]:
    """Parts that the settings name. Raises ModelUnavailable as `model_parts` does."""
    return model_parts(
        settings.model,
        settings.vad_model,
        settings.punc_model,
        model_revision=settings.model_revision,
        vad_revision=settings.vad_model_revision,
        punc_revision=settings.punc_model_revision,
    )


def served_model(settings: Settings) -> str:
    """Name in jobs and transcripts of the recogniser that the settings name.

    Raises ModelUnavailable for one that there cannot be.
    """
    asr = configured_parts(settings)[0]
    if asr.folder is not None:
        return asr.title
    return resolve(asr.name, asr.role, settings.model_hub, asr.revision).name


def speaker_part(model: str, speaker_model: str = "") -> Part:
    """The network that tells voices apart, beside a recogniser that goes by the name `model`.

    The one that is named, else the one that the model brings along in spk/, else CAM++.  Raises
    ModelUnavailable for a folder that this account may not look into.
    """
    if speaker_model == DEMO or (not speaker_model and is_demo_model(model)):
        return Part("spk", DEMO, "", worker.demo_model.SPK_DIR, DEMO)
    bundle = None if speaker_model else _bundle_of(model)
    if bundle is not None and is_folder(bundle / "spk"):
        return _part("spk", str(bundle / "spk"), "", bundle)
    return _part("spk", speaker_model or CAMPPLUS, PINNED_REVISION)


def configured_speaker_part(settings: Settings) -> Part:
    """Speaker network that the settings name. Raises ModelUnavailable as `speaker_part` does."""
    return speaker_part(settings.model, settings.speaker_model)


def folder_punctuates(folder: Path) -> bool:
    """Return whether the recogniser in a folder punctuates its words itself, by its class; False
    for a folder that cannot be read, which other checks report."""
    try:
        return folder_class(folder) in PUNCTUATES_ITSELF
    except ModelUnavailable:
        return False


def _punctuates_itself(recogniser: Part) -> bool:
    if recogniser.folder is not None:
        return folder_punctuates(recogniser.folder)
    known = find_known(recogniser.name)
    return known is not None and known.punctuates


def is_folder(path: Path) -> bool:
    """Return whether `path` is a folder. Raises ModelUnavailable if this account may not look."""
    try:
        return path.is_dir()
    except OSError as error:
        raise ModelUnavailable(
            f"The model folder {path.parent} cannot be read ({error.strerror or error}). Give this "
            "account the permission."
        ) from error


def _bundle_of(model: str) -> Path | None:
    """The folder that `model` names if it has the recogniser in asr/, beside vad/ and punc/, and is
    not one itself.

    Absolute, so that a companion which is missing is never taken for a hub's name.
    """
    folder = _path(model).absolute()
    if not is_folder(folder / "asr"):
        return None
    return None if {CONFIG, checkpoint_name(folder)} <= names_in(folder) else folder


def _path(name: str) -> Path:
    """The path that a name may be. Raises ModelUnavailable for a ~ that stands for no home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ModelUnavailable(
            f"'{name[:200]}' begins with ~, and there is no such home here. Write the model's "
            "folder whole."
        ) from None


def _part(role: Role, name: str, revision: str, bundle: Path | None = None) -> Part:
    path = _path(name)
    if is_folder(path) or path.is_absolute() or name.startswith((".", "~")):
        called = (bundle or path).resolve().name
        # It may be bytes that are no text, as Chinese names in GBK are; it goes into the database.
        return Part(role, name, revision, path, os.fsencode(called).decode(errors="replace"))
    known = find_known(name)
    if known is not None and revision == PINNED_REVISION:
        revision = known.revision  # which is another one where a model never had that tag
    return Part(role, name, revision)
