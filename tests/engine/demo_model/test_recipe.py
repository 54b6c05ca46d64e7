"""The recipe of the bundled model: its language, speech and targets, and a training in small."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.language.held_out import SAMPLE_SCRIPT, UNTEMPLATED
from worker.demo_model.recipe.language.numerals import numeral
from worker.demo_model.recipe.language.templates import TEMPLATES
from worker.demo_model.recipe.speech import corpus
from worker.demo_model.recipe.speech.meeting import make_meeting, sample_meeting
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, VOICES, Speech, synthesise
from worker.demo_model.recipe.training import (
    train_punctuation,
    train_recogniser,
    train_voice_activity,
)
from worker.demo_model.recipe.training.targets import fire_counts, token_counts

SOURCES = (
    grammar.template_sentence,
    grammar.free_sentence,
    grammar.clause,
    grammar.splice,
    grammar.word_sequence,
    grammar.character_sequence,
)


@pytest.fixture(scope="module")
def shard() -> corpus.Shard:
    return corpus.make_shard(number=90_000, size=40)


@pytest.mark.parametrize("source", SOURCES)
def test_every_kind_of_text_is_spelt_in_the_vocabulary(
    source: Callable[[random.Random], str],
) -> None:
    rng = random.Random(1)
    for _ in range(300):
        text = source(rng)
        assert text
        assert "{" not in text
        assert all(token.text in grammar.TOKEN_IDS for token in grammar.tokenise(text))


def test_the_vocabulary_is_as_funasr_expects_it() -> None:
    assert grammar.VOCABULARY[:3] == ("<blank>", "<s>", "</s>")
    assert "<unk>" in grammar.VOCABULARY
    assert len(set(grammar.VOCABULARY)) == len(grammar.VOCABULARY)
    assert len(grammar.CHARACTERS) >= 495


def test_acronyms_are_spelt_and_known_words_are_not() -> None:
    assert [token.text for token in grammar.tokenise("API和REDIS")] == [
        "a",
        "p",
        "i",
        "和",
        "redis",
    ]


@pytest.mark.parametrize(
    ("value", "said"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (99, "九十九")]
)
def test_numbers_are_said_as_people_say_them(value: int, said: str) -> None:
    assert numeral(value) == said


def test_the_sample_meeting_and_the_unscripted_sentences_are_held_out() -> None:
    fixed = {grammar.bare(text) for text in TEMPLATES}
    texts = [text for _, text in SAMPLE_SCRIPT] + list(UNTEMPLATED)
    assert all(grammar.is_held_out(text) or grammar.bare(text) in fixed for text in texts)
    assert all(t.text in grammar.TOKEN_IDS for text in texts for t in grammar.tokenise(text))


@pytest.mark.parametrize("voice", VOICES)
def test_speech_has_a_time_for_every_token(voice: str) -> None:
    text = "我们用REDIS代替了原来的API，效果很好。"
    speech = synthesise(text, voice, rate=160)
    assert list(speech.tokens) == [token.text for token in grammar.tokenise(text)]
    assert len(speech.starts) == len(speech.ends) == len(speech.tokens)
    assert np.all(np.diff(speech.starts) > 0)
    assert all(start < end for start, end in zip(speech.starts, speech.ends, strict=True))
    assert speech.ends[-1] <= speech.duration
    assert "".join(word.word for word in speech.words) == grammar.bare(text)
    assert speech.audio.dtype == np.float32


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="cmn-nobody"):
        synthesise("大家好", "cmn-nobody")


def test_noise_and_level_leave_the_times_with_the_speech() -> None:
    clean = synthesise("今天的会议到这里结束，谢谢大家。")
    degraded = corpus.degrade(clean, random.Random(3), np.random.default_rng(3))
    lead = degraded.starts[0] - clean.starts[0]
    assert lead > 0
    assert degraded.starts == pytest.approx([start + lead for start in clean.starts])
    assert degraded.ends[-1] <= degraded.duration


def test_a_shard_pairs_features_with_tokens_and_times(shard: corpus.Shard) -> None:
    for features, ids, starts, ends, text in shard:
        assert features.shape[1] == 560
        assert len(ids) == len(starts) == len(ends)
        tokens = [grammar.VOCABULARY[token] for token in ids.tolist()]
        assert tokens == [token.text for token in grammar.tokenise(text)]
        assert not len(ids) or ends[-1] <= len(features) * 0.060 + 0.060


def test_targets_rise_by_one_a_token(shard: corpus.Shard) -> None:
    for features, ids, starts, ends, _ in shard:
        times = (len(features), starts.tolist(), ends.tolist())
        counts, fires = token_counts(*times), fire_counts(*times)
        assert counts.shape == (len(features),)
        assert fires.shape == (3 * len(features),)
        said_to_s = float(ends[-1]) if len(ids) else 0.0
        for curve in (counts, fires):
            assert np.all(np.diff(curve) >= 0)
            assert curve[0] >= 0
            # The end symbol counts as one; a word that ends with the recording cuts it short.
            has_room = said_to_s <= len(features) * 0.060 - 0.062
            assert len(ids) + (0.5 if has_room else -1) <= curve[-1] <= len(ids) + 1


def test_silence_has_no_tokens_but_an_end() -> None:
    speech = Speech("", np.zeros(SAMPLE_RATE, np.float32), (), (), ())
    assert token_counts(16, speech.starts, speech.ends)[-1] == pytest.approx(1, abs=0.5)


def test_the_same_seed_makes_the_same_meeting_text() -> None:
    _, first = make_meeting(12, seed=4)
    _, second = make_meeting(12, seed=4)
    assert [s["text"] for s in first["sentences"]] == [s["text"] for s in second["sentences"]]


def test_a_meeting_lasts_as_long_as_was_asked() -> None:
    audio, reference = make_meeting(45, seed=2)
    assert audio.dtype == np.float32
    assert len(audio) == 45 * SAMPLE_RATE
    assert reference["duration"] == 45
    assert 5 <= len(reference["sentences"]) <= 20
    assert reference["sentences"][-1]["end"] <= 45


def test_the_sample_meeting_says_its_script() -> None:
    _, reference = sample_meeting()
    said = [(sentence["speaker"], sentence["text"]) for sentence in reference["sentences"]]
    assert said == list(SAMPLE_SCRIPT)


def test_a_recogniser_trains_a_few_steps(shard: corpus.Shard, tmp_path: Path) -> None:
    schedule = train_recogniser.Schedule(steps=3, frames=400, sampler_from=0.0)
    trainer = train_recogniser.Trainer(shard, schedule)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    assert list(trainer.run(pause_every=2)) == [2, 3]
    after = trainer.model.state_dict()
    assert all(bool(torch.isfinite(value).all()) for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_a_batch_of_speech_and_silence_trains(shard: corpus.Shard) -> None:
    silence = torch.zeros(10, 560).half()
    empty = torch.zeros(0)
    pool = [*shard[:3], (silence, empty.long(), empty, empty, "")]
    trainer = train_recogniser.Trainer(pool, train_recogniser.Schedule(steps=2, frames=4000))
    assert list(trainer.run(pause_every=2)) == [2]


def test_endpoint_and_punctuation_models_are_written(tmp_path: Path) -> None:
    train_voice_activity.train(tmp_path / "vad", tracks=2, steps=2)
    train_punctuation.train(tmp_path / "punc", steps=2)
    for name in ("vad/config.yaml", "vad/model.pt", "vad/am.mvn", "punc/model.pt"):
        assert (tmp_path / name).stat().st_size > 0


def test_punctuation_labels_follow_their_words() -> None:
    ids, marks = train_punctuation.labelled("好的，没有问题。")
    assert len(ids) == len(marks) == 6
    assert marks == [1, 2, 1, 1, 1, 3]
