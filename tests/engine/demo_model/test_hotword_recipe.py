"""Training the recogniser's hotwords: made-up names, lists, and what is added to the folder."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import torch

from worker.demo_model import ASR_DIR
from worker.demo_model.recipe.hotwords.lists import (
    IGNORED,
    NONE,
    make_batch,
    unsaid_batch,
    words_at,
)
from worker.demo_model.recipe.hotwords.names import (
    evaluated_names,
    gives_away,
    homophones,
    made_up_name,
    pairs_of,
)
from worker.demo_model.recipe.hotwords.states import (
    Recogniser,
    States,
    make_shard,
    read_recogniser,
    text_and_name,
)
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.training.train_hotwords import (
    TRAINED,
    Schedule,
    Trainer,
    add_to_folder,
)


@pytest.fixture(scope="module")
def pool() -> list[States]:
    return make_shard(7, 40, Recogniser(*read_recogniser(ASR_DIR)))


def test_names_of_the_evaluation_have_pairs_that_training_never_has() -> None:
    names = evaluated_names()
    assert len(set(names)) == 40
    assert names == evaluated_names()
    kept = set().union(*map(pairs_of, names))
    rng = random.Random(5)
    for _ in range(300):
        assert kept.isdisjoint(pairs_of(made_up_name(rng)))
        text, name = text_and_name(rng)
        assert kept.isdisjoint(pairs_of(text))
        assert name in text
        assert not grammar.is_held_out(text)
    assert gives_away(f"请{names[0]}发言")
    pairs = set().union(*(pairs_of(grammar.free_sentence(rng)) for _ in range(2_000)))
    assert kept.isdisjoint(pairs)


def test_an_utterance_has_a_state_for_each_token_and_the_end(pool: list[States]) -> None:
    assert len(pool) >= 36
    for states in pool:
        assert states.acoustic.shape == states.decoded.shape == (len(states.tokens) + 1, 128)
        if states.name:
            assert "".join(map(chr, states.name)) in "".join(map(chr, states.tokens))


def test_the_longest_listed_word_is_said() -> None:
    listed = {(5, 6), (5, 6, 7), (8,), (6, 7)}
    assert words_at((4, 5, 6, 7, 8, 5, 6), listed) == [
        None, (5, 6, 7), (5, 6, 7), (5, 6, 7), (8,), (5, 6), (5, 6), None,
    ]  # fmt: skip


@pytest.mark.parametrize("names_alone", [True, False])
def test_labels_are_the_tokens_of_listed_words_alone(pool: list[States], names_alone: bool) -> None:
    batch = make_batch(pool[:16], random.Random(3), names_alone=names_alone)
    spoken = batch.labels != IGNORED
    assert (batch.mask[..., 0] == spoken).all()
    said = spoken & (batch.labels != NONE)
    assert 0 < int(said.sum()) < int(spoken.sum())
    for row, place in said.nonzero().tolist():
        word = int(batch.said[row, place])
        assert batch.listed[row, word]
        assert int(batch.labels[row, place]) in batch.words[word]
    assert (batch.said[~said] == len(batch.words) - 1).all()
    assert batch.listed[:, -1].all()


def test_a_list_with_homophones_is_labelled_by_the_list(pool: list[States]) -> None:
    named = [item for item in pool if item.name][:16]
    batch = make_batch(named, random.Random(3), names_alone=True, respelt=1.0)
    said = (batch.labels != IGNORED) & (batch.labels != NONE)
    spelt = {text_of(word) for word in batch.words}
    names = {text_of(item.name) for item in named}
    others = {
        name: [
            other
            for other in spelt - names
            if len(other) == len(name)
            and all(is_said_alike(*pair) for pair in zip(other, name, strict=True))
        ]
        for name in names
    }
    assert any(others.values())
    assert (batch.labels[said] == batch.tokens[said]).all()


def text_of(ids: tuple[int, ...]) -> str:
    return "".join(grammar.VOCABULARY[token] for token in ids)


def is_said_alike(one: str, other: str) -> bool:
    return one == other or one in homophones().get(other, ())


def test_words_that_nobody_says_are_labelled_as_none(pool: list[States]) -> None:
    batch = unsaid_batch(pool[:8], 20, random.Random(4))
    spoken = batch.labels != IGNORED
    assert (batch.labels[spoken] == NONE).all()
    for row, item in enumerate(pool[:8]):
        assert tuple(batch.tokens[row][: len(item.tokens)].tolist()) == item.tokens


def test_training_goes_on_where_it_was_cut_short(pool: list[States], tmp_path: Path) -> None:
    weights, _, _ = read_recogniser(ASR_DIR)
    schedule = Schedule(rounds=(4, 2), utterances=4, warmup=2)
    whole = Trainer(pool, weights, schedule, tmp_path / "whole.pt")
    whole.run()
    first = Trainer(pool, weights, schedule, tmp_path / "cut.pt")
    first.run(until=3)
    second = Trainer(pool, weights, schedule, tmp_path / "cut.pt")
    second.run()
    for one, other in zip(whole.head.parameters(), second.head.parameters(), strict=True):
        assert torch.equal(one, other)
    asr = tmp_path / "asr"
    shutil.copytree(ASR_DIR, asr)
    add_to_folder(second.head, asr)
    before = torch.load(ASR_DIR / "model.pt", weights_only=True)
    after = torch.load(asr / "model.pt", weights_only=True)
    own = {name for name in before if not name.startswith(TRAINED)}
    assert own == {name for name in after if not name.startswith(TRAINED)}
    assert all(torch.equal(before[name], after[name]) for name in own)
    assert (asr / "model.pt").stat().st_size < 6.75e6
