"""How often a kept voice is suggested for the right person of another recording, and for others."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
import torch

from shared.speakers import cut, speakers_of_words
from shared.speakers.kept.speaker_voices import voices_of_speakers
from shared.speakers.kept.vectors import Vector, likeness, rows, unpacked
from shared.speakers.suggestions.suggest import LEAST_SPEECH_S, least_likeness, suggest
from shared.transcripts.values import Sentence, Word
from worker import demo_model
from worker.demo_model.recipe.language.grammar import clause, template_sentence
from worker.demo_model.recipe.speech.synthesis import Voice, synthesise
from worker.demo_model.recipe.voices.corpus import noisy, reverberated
from worker.demo_model.recipe.voices.identities import identities
from worker.engine.speakers.encoder import BatchedSpeakerEncoder, load_encoder
from worker.model_store.locate import ModelFolder
from worker.model_store.revision import examine
from worker.recogniser import SAMPLE_RATE, RecognisedSpan
from worker.speaker_encoder import distance
from worker.voices.make_voice_map import group, voices_of_groups
from worker.voices.pieces import hear_voices

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

MEETINGS, TRIALS, MOST_KEPT = 36, 2000, 8
LEAST_FOUND, MOST_FALSE = 0.9, 0.01


class Heard(NamedTuple):
    """A speaker whom the product found in a meeting, and who that mostly is."""

    vector: Vector
    person: int


def hold(number: int, people: list[Voice], encoder: BatchedSpeakerEncoder) -> list[Heard]:
    """A meeting of two to five, 35 s of speech each on average, in quiet, in a room or in noise;
    every fourth with quick turns. Nobody's pitch and pace are the same in two sentences."""
    rng, generator = random.Random(number), np.random.default_rng(number)
    who = rng.sample(range(len(people)), rng.randint(2, 5))
    shares = [rng.uniform(0.5, 1.5) for _ in who]
    is_quick = number % 4 == 3
    parts, words, of_words = [np.zeros(SAMPLE_RATE, np.float32)], [], []
    at, spoken = 1.0, 0.0
    while spoken < 35 * len(who):
        [person] = rng.choices(who, shares)
        voice = people[person]
        speech = synthesise(
            (clause if is_quick else template_sentence)(rng),
            voice["voice"],
            int(voice["rate"] * rng.uniform(0.88, 1.14)),
            voice["pitch"] + rng.randint(-6, 6),
            voice["pitch_range"] + rng.randint(-12, 12),
        )
        gap_s = rng.choice((0.06, 0.12, 0.2, 0.3) if is_quick else (0.3, 0.5, 0.8, 1.5))
        pause = np.zeros(int(gap_s * SAMPLE_RATE), np.float32)
        parts += [speech.audio * np.float32(rng.uniform(0.4, 0.9)), pause]
        words += [Word(word.word, at + word.start, at + word.end) for word in speech.words]
        of_words += [person] * len(speech.words)
        at += (len(speech.audio) + len(pause)) / SAMPLE_RATE
        spoken += speech.duration
    audio = np.concatenate(parts)
    if number % 3 == 1:
        audio = reverberated(audio, rng.uniform(0.15, 0.5), rng.uniform(2, 12), generator)
    audio = noisy(audio, rng.uniform(14, 24) if number % 3 == 2 else 40.0, rng, generator)
    return _speakers((32_767 * audio.clip(-1, 1)).astype(np.int16), words, of_words, encoder)


def _speakers(
    pcm: np.ndarray, words: list[Word], of_words: list[int], encoder: BatchedSpeakerEncoder
) -> list[Heard]:
    [pieces] = hear_voices([pcm], [RecognisedSpan(words=tuple(words))], encoder)
    arrays = pieces["voice"], pieces["start"].tolist(), pieces["end"].tolist()
    voice_map = group(*arrays, encoder.revision, distance(encoder.same_voice_cosine))
    times = [(word.start, word.end) for word in words]
    numbers = speakers_of_words(times, voice_map.pieces, cut(voice_map))
    voices = voices_of_speakers(
        voice_map,
        rows(voices_of_groups(*arrays, voice_map), voice_map.groups),
        [Sentence(word.start, word.end, word.word) for word in words],
        numbers,
    )
    found = []
    for number, voice in voices.items():
        said = Counter(one for one, other in zip(of_words, numbers, strict=True) if other == number)
        if voice.seconds >= LEAST_SPEECH_S:
            found.append(Heard(unpacked(voice.vector), said.most_common(1)[0][0]))
    return found


def test_who_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    folder = ModelFolder("demo", demo_model.SPK_DIR, examine(demo_model.SPK_DIR).revision)
    encoder = load_encoder(folder, torch.device("cpu"))
    people = identities().held_out
    meetings = [hold(number, people, encoder) for number in range(MEETINGS)]
    least = least_likeness(distance(encoder.same_voice_cosine))
    pairs: dict[bool, list[int]] = {True: [], False: []}
    for one, other in combinations(meetings, 2):
        for a in one:
            for b in other:
                pairs[a.person == b.person].append(likeness(a.vector, b.vector))
    told: Counter[str] = Counter()
    rng = random.Random(1)
    for _ in range(TRIALS):
        here = rng.randrange(MEETINGS)
        elsewhere = [one for n, meeting in enumerate(meetings) if n != here for one in meeting]
        chosen = rng.sample(range(len(people)), rng.randint(1, MOST_KEPT))
        kept = {
            str(person): rng.choice(of_person).vector
            for person in chosen
            if (of_person := [one for one in elsewhere if one.person == person])
        }
        speakers = dict(enumerate(meetings[here], 1))
        vectors = {number: one.vector for number, one in speakers.items()}
        named = {s.speaker: s.voice_id for s in suggest(vectors, kept, (), least)}
        for number, one in speakers.items():
            person, name = str(one.person), named.get(number)
            told["kept" if person in kept else "not kept"] += 1
            told["right" if name == person else "false" if name else "none"] += 1
    found = told["right"] / told["kept"]
    false = told["false"] / (told["kept"] + told["not kept"])
    with capsys.disabled():
        print(
            f"\nleast likeness {least}; {sum(map(len, meetings))} speakers of {MEETINGS} meetings"
        )
        for is_same, name in ((True, "one person"), (False, "two people")):
            of_kind = sorted(pairs[is_same])
            above = sum(one >= least for one in of_kind)
            parts = [of_kind[len(of_kind) * n // 1000] for n in (10, 50, 500, 950, 990)]
            print(f"  {name}: {above} of {len(of_kind)} above it; at 1, 5, 50, 95, 99 %: {parts}")
        print(f"  {told['right']} of {told['kept']} suggested where the voice is kept")
        print(f"  {told['false']} false ones for {told['kept'] + told['not kept']} speakers")
    assert found >= LEAST_FOUND
    assert false <= MOST_FALSE
