"""Evaluation of hotwords: rare names recognised with their hotword and without, and the effect of
hotwords elsewhere."""

import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from funasr import AutoModel

from worker.demo_model.recipe.hotwords.names import (
    evaluated_names,
    made_up_name,
    with_name,
)
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.language.held_out import UNTEMPLATED
from worker.demo_model.recipe.scores import character_error_rate, plain
from worker.demo_model.recipe.speech.corpus import degrade
from worker.demo_model.recipe.speech.synthesis import VOICES, synthesise

SEED = 40_404
SENTENCES = 3  # with each name, one after the other in other voices
ORDINARY = 80  # sentences of the templates, and all those off script
UNSAID = (50, 1000)

Listed = Sequence[str]


class Recogniser:
    """The folder as FunASR loads it, with its hotwords."""

    def __init__(self, asr: Path) -> None:
        self._model = AutoModel(
            model=str(asr), disable_update=True, device="cpu", ncpu=1, disable_pbar=True
        )
        logging.getLogger().setLevel(logging.WARNING)  # AutoModel puts the root logger at INFO

    def hear(self, audios: Sequence[np.ndarray], words: Listed) -> list[str]:
        given = {"hotword": " ".join(words)} if words else {}
        found = [self._model.generate(input=audio, **given) for audio in audios]
        return [each[0]["text"] if each else "" for each in found]


def unsaid_words(count: int, rng: random.Random) -> list[str]:
    """Made-up names that nobody says."""
    words: dict[str, None] = {}
    while len(words) < count:
        words[made_up_name(rng)] = None
    return list(words)


def spoken(texts: Sequence[str], rng: random.Random) -> list[np.ndarray]:
    """Synthesise each text in a voice drawn at random, 140 to 200 words a minute, in noise as in
    training."""
    generator = np.random.default_rng(SEED)
    audios = []
    for text in texts:
        speech = synthesise(text, rng.choice(VOICES), rng.randint(140, 200), rng.randint(30, 70))
        audios.append(degrade(speech, rng, generator).audio)
    return audios


def sentences_with_names(rng: random.Random) -> list[tuple[str, str]]:
    """(name, text) of SENTENCES for each name."""
    found = []
    for name in evaluated_names():
        count = 0
        while count < SENTENCES:
            text = with_name(grammar.clause(rng), name, rng)
            if text is not None:
                found.append((name, text))
                count += 1
    return found


def ordinary_sentences(rng: random.Random) -> list[str]:
    """Sentences of the templates that were held out of training, and those off script."""
    found: dict[str, None] = {}
    while len(found) < ORDINARY:
        sentence = grammar.template_sentence(rng)
        if grammar.is_held_out(sentence):
            found[sentence] = None
    return [*found, *UNTEMPLATED]


def insertions(texts: Sequence[str], heard: Sequence[str], words: Listed) -> int:
    """Number of times that a word of the list is written where it is not said."""
    return sum(
        plain(word) in plain(said) and plain(word) not in plain(text)
        for text, said in zip(texts, heard, strict=True)
        for word in words
    )


def evaluate(asr: Path) -> dict[str, Any]:
    """The figures of the model card on hotwords."""
    recogniser = Recogniser(asr)
    rng = random.Random(SEED)
    names = list(evaluated_names())
    unsaid = unsaid_words(max(UNSAID), rng)
    with_names = sentences_with_names(rng)
    texts = [text for _, text in with_names]
    audios = spoken(texts, rng)
    lists = {
        "none": [],
        "names": names,
        "names_of_1000": [*names, *unsaid[: 1000 - len(names)]],
    }
    recall, with_names_wrong = {}, {}
    for title, words in lists.items():
        heard = recogniser.hear(audios, words)
        found = [name in plain(said) for (name, _), said in zip(with_names, heard, strict=True)]
        recall[title] = round(100 * sum(found) / len(found), 1)
        with_names_wrong[title] = character_error_rate(texts, heard)
    ordinary = ordinary_sentences(rng)
    audios = spoken(ordinary, rng)
    lists = {"none": [], "names": names, **{f"unsaid_{n}": unsaid[:n] for n in UNSAID}}
    errors, inserted = {}, {}
    for title, words in lists.items():
        heard = recogniser.hear(audios, words)
        errors[title] = character_error_rate(ordinary, heard)
        inserted[title] = insertions(ordinary, heard, words)
    return {
        "names": len(names),
        "sentences_with_names": len(texts),
        "recall_percent": recall,
        "cer_percent_with_names": with_names_wrong,
        "ordinary_sentences": len(ordinary),
        "ordinary_characters": sum(len(plain(text)) for text in ordinary),
        "cer_percent_ordinary": errors,
        "words_inserted_ordinary": inserted,
    }
