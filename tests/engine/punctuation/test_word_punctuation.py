"""Punctuation by a network whose vocabulary is of words: cuts and marks are FunASR's."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.speech.speech_models import excerpt
from worker.engine.loading.build import LoadedNetwork
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.punctuation.ct_transformer import Punctuator
from worker.engine.punctuation.load_ct_transformer import load_ct_transformer
from worker.engine.punctuation.word_segmentation import prepare_jieba_for_stock
from worker.engine.reference.random_model import ModelSizes, make_random_model
from worker.engine.reference.stock_funasr import import_auto_model
from worker.memory.batch_memory_model import Reserve
from worker.model_store.locate import ModelFolder, locate
from worker.recogniser import BatchOutOfMemory

CPU = torch.device("cpu")

SMALL = ModelSizes(
    asr_width=16,
    asr_encoder_blocks=1,
    asr_decoder_blocks=1,
    asr_heads=2,
    asr_vocabulary=3_000,
    vad_affine=8,
    vad_layers=1,
    vad_linear=8,
    vad_projection=8,
    vad_outputs=4,
    punc_width=24,
    punc_blocks=2,
    punc_heads=4,
    punc_linear=48,
    punc_vocabulary=20_000,
    punc_words=12_000,
)
"""Sizes with small widths; `make_random_model` takes a second."""

SPOKEN = [
    *("我们", "今天", "用", "wi-fi", "开会", "API", "返回", "3.5", "倍", "covid-19", "之后", "的"),
    *(
        "R&D",
        "部门",
        "预算",
        "是",
        "100%",
        "增长",
        "Ｗｉ－Ｆｉ",
        "don't",
        "worry",
        "第２季度",
        "全角",
    ),
    *("GPT-4o", "模型", "上线", "了", "x86_64", "机器", "c++", "和", "c#", "都", "行", "node.js"),
]
"""Words of which none begins with a mark, which could not be told from the one before it."""

MARKS = set("，。？、,.?")


@dataclass(frozen=True, slots=True)
class Both:
    """One folder's network: as FunASR runs it, and as we do."""

    stock: Any
    network: LoadedNetwork
    folder: ModelFolder
    ours: Punctuator


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("words")
    make_random_model(folder, excerpt(0, 20), SMALL)
    punc = locate(str(folder)).punc
    dictionary = punc.path / "jieba_usr_dict"
    own = "开会\n预算是\n今天我们 3 n\nGPT-4o 3 eng\n第2季度 3 n\n"
    dictionary.write_text(dictionary.read_text(encoding="utf-8") + own, encoding="utf-8")
    prepare_jieba_for_stock()
    with process_unchanged(), contextlib.redirect_stdout(io.StringIO()):
        stock = import_auto_model()(
            model=str(punc.path), device="cpu", ncpu=1, disable_update=True, disable_pbar=True
        )
    network = load_ct_transformer(punc, CPU)
    return Both(stock, network, punc, Punctuator(network, CPU))


def said(count: int, seed: int, folder: Path) -> list[str]:
    """Characters, words of the dictionary by the character, and what is neither, mixed."""
    rng = random.Random(seed)
    words = (folder / "jieba_usr_dict").read_text(encoding="utf-8").split("\n")[:2_000]
    characters = [chr(0x4E00 + i) for i in range(600)]
    text: list[str] = []
    while len(text) < count:
        kind = rng.random()
        if kind < 0.5:
            text += rng.choice(words)
        elif kind < 0.8:
            text.append(rng.choice(characters))
        else:
            text.append(rng.choice(SPOKEN))
    return text[:count]


def stock_marks(stock: Any, words: Sequence[str]) -> list[str]:
    """The mark that stands behind each word in FunASR's text; those inside a word are left out."""
    (result,) = stock.generate(" ".join(words), disable_pbar=True)
    text = result["text"].replace(" ", "").lower()
    marks, place = [], 0
    for word in words:
        for character in word.lower():
            while text[place] != character:
                assert text[place] in MARKS, (text[place - 5 : place + 5], word)
                place += 1
            place += 1
        after = text[place : place + 1]
        marks.append(after if after in MARKS else "")
    return marks


def test_mixed_text_is_cut_as_funasr_cuts_it(both: Both) -> None:
    import jieba
    from funasr.models.ct_transformer.utils import split_words

    texts = [SPOKEN, *(said(400, seed, both.folder.path) for seed in range(20))]
    for words in texts:
        ours = [token.text for token in both.ours._tokens(words)]
        assert ours == list(split_words(" ".join(words), jieba_usr_dict=jieba))


def test_every_word_owns_the_last_token_that_ends_in_it(both: Both) -> None:
    tokens = both.ours._tokens(SPOKEN)
    assert "".join(token.text for token in tokens) == "".join(SPOKEN)
    assert tokens[-1].word == len(SPOKEN) - 1
    assert [token.word for token in tokens] == sorted(token.word for token in tokens)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (7, 1), (60, 2), (800, 3), (3_000, 4)])
def test_marks_equal_funasr(both: Both, count: int, seed: int) -> None:
    words = said(count, seed, both.folder.path)
    ours = both.ours.punctuate(words)
    theirs = stock_marks(both.stock, words)
    assert ours == theirs
    assert count < 800 or 0.02 < sum(map(bool, ours)) / count < 0.6


class Memory:
    """Room for so many tokens at a time, by the network's own estimate."""

    def __init__(self, free: int) -> None:
        self._free = free

    def headroom_bytes(self) -> int:
        return self._free

    def reset_peak(self) -> None: ...

    def peak_bytes(self) -> int:
        return 0


@pytest.mark.parametrize("spare", [0, 33_000_000, 34_000_000, 10**9])
def test_the_memory_that_is_free_changes_no_mark(both: Both, spare: int) -> None:
    words = said(3_000, 5, both.folder.path)
    bound = Punctuator(both.network, CPU, Memory(Reserve().floor_bytes + spare))
    assert bound.punctuate(words) == both.ours.punctuate(words)


def test_running_out_of_memory_changes_no_mark(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    words = said(2_000, 6, both.folder.path)
    whole = both.ours.punctuate(words)
    forward = both.network.model.punc_forward
    places: list[int] = []

    def cramped(texts: torch.Tensor, lengths: torch.Tensor) -> Any:
        if len(texts) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        places.append(len(texts))
        return forward(texts, lengths)

    monkeypatch.setattr(both.network.model, "punc_forward", cramped)
    assert both.ours.punctuate(words) == whole
    assert max(places) <= 3

    monkeypatch.setattr(both.network.model, "punc_forward", _no_room)
    with pytest.raises(BatchOutOfMemory):
        both.ours.punctuate(words)


def _no_room(texts: torch.Tensor, lengths: torch.Tensor) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory.")
