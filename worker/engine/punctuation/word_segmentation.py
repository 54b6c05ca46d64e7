"""Chinese text cut into words by jieba, for a CT-Transformer whose vocabulary is of words.

jieba as it comes keeps one dictionary for the whole process, to which every model's words would be
added; unmarshals whatever lies in the temporary folder under the name jieba.cache, which there
anybody may have written; and prints its progress.  Here each model has a dictionary of its own,
read from jieba's package every time.  The cache would save nothing: 0.5 CPU s with it and without,
and 55 MB without against 75 MB with it (350,000 words, jieba 0.42.1).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol


class Segmenter(Protocol):
    """jieba's module and its Tokenizer alike."""

    def cut(self, sentence: str, *, HMM: bool) -> Iterator[str]:  # noqa: N803
        """The words of a sentence, which joined are the sentence."""
        ...


def load_segmenter(user_dictionary: Path) -> Segmenter:
    """jieba's dictionary with a model's own words, a line each: word, frequency, part of speech.

    Reads no other file, writes none and asks no network.  Raises OSError and ValueError for a
    dictionary that cannot be read.
    """
    jieba = quiet_jieba()
    segmenter = jieba.Tokenizer()
    _read_dictionary(segmenter)
    with user_dictionary.open("rb") as words:
        segmenter.load_userdict(words)
    loaded: Segmenter = segmenter
    return loaded


def quiet_jieba() -> Any:
    """The module, which prints nothing but warnings, and those to the log."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.default_logger.removeHandler(jieba.log_console)
    return jieba


def prepare_jieba_for_stock() -> None:
    """Read the dictionary that FunASR's own CTTransformer shares with all of the process.

    Then it looks for no cache and writes none.
    """
    jieba = quiet_jieba()
    if not jieba.dt.initialized:
        _read_dictionary(jieba.dt)


def _read_dictionary(segmenter: Any) -> None:
    """Read the dictionary as jieba's `initialize` does when there is no cache."""
    with segmenter.lock:
        segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
        segmenter.initialized = True
