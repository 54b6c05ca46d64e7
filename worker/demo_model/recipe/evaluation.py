"""Measurement of the model folders, through funasr.AutoModel as anyone would load them."""

import json
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from funasr import AutoModel

from worker.demo_model import SAMPLE_MEETING, SAMPLE_REFERENCE
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.language.held_out import UNTEMPLATED
from worker.demo_model.recipe.scores import aligned, character_error_rate, plain, punctuation_f1
from worker.demo_model.recipe.speech.corpus import degrade, noise
from worker.demo_model.recipe.speech.meeting import Reference, make_meeting
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, VOICES, Speech, synthesise

SEED = 20_260  # of no shard
_MARKS = str.maketrans(",.?", "，。？")


class Measured:
    """The three folders, loaded once with their endpoint detector and once without it."""

    def __init__(self, folder: Path) -> None:
        options = {"disable_update": True, "device": "cpu", "ncpu": 1, "disable_pbar": True}
        asr = str(folder / "asr")
        self._recogniser = AutoModel(model=asr, **options)
        self._pipeline = AutoModel(
            model=asr, vad_model=str(folder / "vad"), punc_model=str(folder / "punc"), **options
        )
        logging.getLogger().setLevel(logging.WARNING)  # AutoModel puts the root logger at INFO

    def recognise(self, audio: np.ndarray) -> str:
        """Text of one utterance, without endpoint detection."""
        results = self._recogniser.generate(input=audio)
        return results[0]["text"] if results else ""

    def segments(self, audio: np.ndarray) -> list[list[int]]:
        """Speech segments in ms."""
        vad = self._pipeline
        results = vad.inference(audio, model=vad.vad_model, kwargs=vad.vad_kwargs)
        return results[0]["value"] if results else []

    def transcribe(self, audio: np.ndarray) -> dict[str, Any]:
        """FunASR's result for a recording; max_end_silence_time is passed because without it
        FunASR 1.4.16 changes the silence that ends a segment from minute to minute."""
        results = self._pipeline.generate(input=audio, max_end_silence_time=800)
        return results[0] if results else {"text": "", "timestamp": []}


def evaluate(folder: Path) -> dict[str, Any]:
    """Compute all figures of the model card."""
    measured = Measured(folder)
    return {
        "cer_percent": _error_rates(measured),
        "no_speech": _inventions(measured),
        "sample_meeting": _whole_meeting(measured, *_bundled(folder)),
        "ten_minute_meeting": _whole_meeting(measured, *make_meeting(600, SEED)),
        "size_mb": {
            name: round(sum(f.stat().st_size for f in (folder / name).iterdir()) / 1e6, 2)
            for name in ("asr", "vad", "punc", "spk")
        },
    }


def _bundled(folder: Path) -> tuple[np.ndarray, Reference]:
    audio, _ = soundfile.read(folder / SAMPLE_MEETING.name, dtype="float32")
    return audio, json.loads((folder / SAMPLE_REFERENCE.name).read_text(encoding="utf-8"))


def _spoken(text: str, voice: str, rng: random.Random, generator: np.random.Generator) -> Speech:
    pitch = rng.randint(30, 70)
    return degrade(synthesise(text, voice, rng.randint(140, 200), pitch), rng, generator)


def held_out_sentences(
    source: Callable[[random.Random], str], count: int, rng: random.Random
) -> list[str]:
    """Different sentences of one kind that training never heard."""
    found: dict[str, None] = {}
    while len(found) < count:
        sentence = source(rng)
        if grammar.is_held_out(sentence):
            found[sentence] = None
    return list(found)


def _error_rates(measured: Measured) -> dict[str, Any]:
    """Utterances one by one, 140 to 200 words a minute, noise 12 to 55 dB below the speech."""
    rng, generator = random.Random(SEED), np.random.default_rng(SEED)
    by_voice = {}
    references, hypotheses = [], []
    for voice in VOICES:
        texts = held_out_sentences(grammar.template_sentence, 25, rng)
        heard = [measured.recognise(_spoken(t, voice, rng, generator).audio) for t in texts]
        by_voice[voice] = character_error_rate(texts, heard)
        references += texts
        hypotheses += heard
    rates = {
        "template_sentences": character_error_rate(references, hypotheses),
        "template_sentences_by_voice": by_voice,
    }
    for name, texts in (
        ("unscripted_sentences", list(UNTEMPLATED) * 4),
        ("phrase_rule_sentences", held_out_sentences(grammar.free_sentence, 150, rng)),
        ("word_sequences", held_out_sentences(grammar.word_sequence, 150, rng)),
    ):
        heard = [
            measured.recognise(_spoken(text, rng.choice(VOICES), rng, generator).audio)
            for text in texts
        ]
        rates[name] = character_error_rate(texts, heard)
    return rates


def _inventions(measured: Measured) -> dict[str, Any]:
    """Amount of text recognised in recordings without speech, 10 s each."""
    rng, generator = random.Random(SEED), np.random.default_rng(SEED)
    samples = 10 * SAMPLE_RATE
    white = generator.standard_normal(samples).astype(np.float32)
    clips = [np.zeros(samples, np.float32)]
    clips += [white * np.float32(10 ** (-level / 20)) for level in range(12, 75, 3)]
    clips += [
        noise(samples, rng, generator) * np.float32(10 ** (-rng.uniform(12, 70) / 20))
        for _ in range(38)
    ]
    alone = [measured.recognise(clip) for clip in clips]
    return {
        "clips": len(clips),
        "clips_with_text_recogniser_alone": sum(bool(text) for text in alone),
        "characters_recogniser_alone": sum(len(plain(text)) for text in alone),
        "clips_with_segments": sum(bool(measured.segments(clip)) for clip in clips),
        "clips_with_text_whole_pipeline": sum(
            bool(measured.transcribe(clip)["text"]) for clip in clips
        ),
    }


def _whole_meeting(measured: Measured, audio: np.ndarray, reference: Reference) -> dict[str, Any]:
    result = measured.transcribe(audio)
    text = result["text"].translate(_MARKS)
    expected = "".join(sentence["text"] for sentence in reference["sentences"])
    figures: dict[str, Any] = {
        "seconds": reference["duration"],
        "cer_percent": character_error_rate([expected], [text]),
        "punctuation_f1_percent": punctuation_f1(expected, text),
    }
    words = [word for sentence in reference["sentences"] for word in sentence["words"]]
    # Times are compared over the words that were recognised, paired by their alignment.
    pairs = list(aligned([w["word"] for w in words], grammar.words_of(text.upper())))
    stamps = result["timestamp"]
    starts = [abs(stamps[j][0] - 1000 * words[i]["start"]) for i, j in pairs]
    ends = [abs(stamps[j][1] - 1000 * words[i]["end"]) for i, j in pairs]
    for name, errors in (("start", starts), ("end", ends)):
        figures[f"word_{name}_error_ms_median"] = round(float(np.median(errors)), 1)
        figures[f"word_{name}_error_ms_95th"] = round(float(np.percentile(errors, 95)), 1)
    return figures
