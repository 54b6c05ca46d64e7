"""Register the families of speech models: a folder's class decides which of them runs it.

A further family is a folder beside `paraformer`, one line in `FAMILIES`, and the folder's name
among the engine's layers in pyproject.toml, without which lint fails.
"""

from __future__ import annotations

import torch

from worker.engine.family import Family, SpeechNetwork
from worker.engine.fbank import Fbank
from worker.engine.firered.family import FIRERED
from worker.engine.loading.build import wrong_class
from worker.engine.loading.load_errors import failures_explained
from worker.engine.paraformer.family import PARAFORMER
from worker.engine.precision import Precision
from worker.engine.sensevoice.family import SENSEVOICE
from worker.model_store.files import folder_class
from worker.model_store.locate import ModelFolder

FAMILIES: tuple[Family, ...] = (PARAFORMER, SENSEVOICE, FIRERED)


def load_speech_network(
    folder: ModelFolder, device: torch.device, fbank: Fbank, precision: Precision
) -> SpeechNetwork:
    """Load the network of a folder by the family of its class.

    Raises ModelUnavailable, saying what to do, for a class of no family and for whatever the
    family's loader refuses.
    """
    return family_of(folder).load(folder, device, fbank, precision)


def family_of(folder: ModelFolder) -> Family:
    """The family of a folder's class. Raises ModelUnavailable for a class of none."""
    with failures_explained(folder, "build the network of its config.yaml"):
        named = folder_class(folder.path)
    for family in FAMILIES:
        if named in family.classes:
            return family
    reasons = (family.not_run[named] for family in FAMILIES if named in family.not_run)
    why_not = next((f", {reason}" for reason in reasons), "")
    classes = [name for family in FAMILIES for name in family.classes]
    raise wrong_class(folder, named, classes, FAMILIES[0].choose, why_not)
