"""What a process of its own says with every voice of the speaker encoder's recipe.

A process that is spawned imports the module of what it is to run: this one needs no torch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from worker.demo_model.recipe.speech.synthesis import synthesise, use_data
from worker.demo_model.recipe.voices.identities import identities


def say_with_all_voices(folder: Path) -> None:
    """Speak with each voice in turn, from espeak-ng's data in `folder`; fail where one is mute."""
    use_data(folder)
    people = identities()
    for voice in [*people.training, *people.choosing, *people.held_out]:
        audio = synthesise("大家好，我们用API。", voice["voice"]).audio
        assert np.abs(audio).max() > 0.05, voice
