"""Identities for the speaker encoder: voices of espeak-ng, and voices made at random.

A voice of espeak-ng is a small file (a variant) that moves the formants of a language's own voice
and says how high, how rough and how breathy it is.  A file with random numbers is another throat.
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

from worker.demo_model.recipe.speech.synthesis import VOICES, Voice

SEED = 1952
MADE_FOR_TRAINING, MADE_FOR_CHOOSING = 220, 24

# Of the variants that espeak-ng brings along; robots, whispers and copies of one another are left
# out, and so are those of VOICES, which speak the sample meeting and everything that is tested.
_TRAINING = """
    m8 Alex Andrea Andy Denis Diogo Gene Henrique Hugo Jacky Lee Marco Michael Mike Nguyen Reed adam
    anika antonio aunty belinda benjamin boris caleb croak david ed edward grandma grandpa gustave
    ian iven klatt klatt3 klatt4 linda marcelo max miguel norbert pablo paul pedro quincy rob robert
    sandro shelby steph victor zac
"""
_CHOOSING = "Alicia Annie Mario john michel steph2 travis"

# espeak-ng lists at most 349 voices, and finds no other: other languages make room.
_LANGUAGES = ("sit", "gmw")


@dataclass(frozen=True)
class Identities:
    """Voices of three groups of people, none in two of them."""

    training: list[Voice]
    choosing: list[Voice]
    """Voices by which the threshold is chosen."""
    held_out: list[Voice]
    """Voices of the figures and of all tests."""


def identities() -> Identities:
    """Make the identities, the same ones in every call."""
    rng = random.Random(SEED)

    def speaking(variant: str) -> Voice:
        return {
            "voice": f"cmn+{variant}" if variant else "cmn",
            "rate": rng.randint(140, 200),
            "pitch": rng.randint(35, 65),
            "pitch_range": rng.randint(40, 60),
        }

    made = _made_names()
    return Identities(
        [speaking(name) for name in [*_TRAINING.split(), *made[:MADE_FOR_TRAINING]]],
        [speaking(name) for name in [*_CHOOSING.split(), *made[MADE_FOR_TRAINING:]]],
        [speaking(name) for name in _held_out_names()],
    )


def write_data(folder: Path) -> None:
    """Write espeak-ng's data with the voices of `identities` and no others."""
    source = Path(espeakng_loader.get_data_path())
    variants = source / "voices" / "!v"
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("lang", "voices"))
    for language in _LANGUAGES:
        shutil.copytree(source / "lang" / language, folder / "lang" / language)
    target = folder / "voices" / "!v"
    target.mkdir(parents=True)
    for name in [*_TRAINING.split(), *_CHOOSING.split(), *filter(None, _held_out_names())]:
        shutil.copyfile(variants / name, target / name)
    rng = random.Random(SEED)
    for name in _made_names():
        (target / name).write_text(random_variant(name, rng), encoding="ascii")


def random_variant(name: str, rng: random.Random) -> str:
    """The file of a voice that nobody has: half of them women's."""
    is_woman = rng.random() < 0.5
    # A shorter throat moves all formants up.
    tract = rng.gauss(1.11, 0.055) if is_woman else rng.gauss(0.985, 0.045)
    lowest = rng.uniform(120, 175) if is_woman else rng.uniform(62, 105)
    strength, tilt = rng.uniform(70, 115), rng.uniform(-6, 3)
    width = rng.uniform(90, 155)
    lines = [
        "language variant",
        f"name {name}",
        f"gender {'female' if is_woman else 'male'}",
        f"pitch {lowest:.0f} {lowest * rng.uniform(1.3, 1.75):.0f}",
    ]
    for number in range(9):
        frequency = 100 * tract * rng.gauss(1, 0.035)
        loud = min(160, max(35, strength + tilt * number + rng.gauss(0, 10)))
        wide = min(220, max(70, width * rng.gauss(1, 0.12)))
        shift = f" {rng.randint(-220, 200)}" if number in (1, 2) and rng.random() < 0.3 else ""
        lines.append(f"formant {number} {frequency:.0f} {loud:.0f} {wide:.0f}{shift}")
    sometimes = (
        (0.6, f"flutter {rng.randint(0, 10)}"),
        (0.6, f"roughness {rng.randint(0, 5)}"),
        (0.4, f"voicing {rng.randint(50, 160)}"),
        (0.4, f"consonants {rng.randint(60, 150)} {rng.randint(70, 150)}"),
        (0.2, "breath 0 " + " ".join(str(rng.randint(1, 6)) for _ in range(7))),
        (0.2, f"echo {rng.randint(60, 150)} {rng.randint(5, 15)}"),
    )
    lines += [line for share, line in sometimes if rng.random() < share]
    return "\n".join(lines) + "\n"


def _held_out_names() -> list[str]:
    """The variants of VOICES; '' for the language's own voice."""
    return [voice.partition("+")[2] for voice in VOICES]


def _made_names() -> list[str]:
    return [f"made{number:03d}" for number in range(MADE_FOR_TRAINING + MADE_FOR_CHOOSING)]
