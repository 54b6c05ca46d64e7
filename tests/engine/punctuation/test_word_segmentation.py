"""jieba without its cache, its lines and its one dictionary for all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from worker.engine.punctuation.word_segmentation import load_segmenter

TEXT = "我们用蓝鲸引擎处理会议记录"


def dictionary(folder: Path, *words: str) -> Path:
    file = folder / "jieba_usr_dict"
    file.write_text("\n".join(words) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a model with words of its own."""
    words = dictionary(tmp_path_factory.mktemp("own"), "蓝鲸引擎 30 n", "会议记录")
    return load_segmenter(words)


@pytest.fixture(scope="module")
def other(own: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Of a model without any, loaded after that one."""
    return load_segmenter(dictionary(tmp_path_factory.mktemp("other")))


def test_a_models_own_words_are_kept_together(own: Any) -> None:
    assert {"蓝鲸引擎", "会议记录"} <= set(own.cut(TEXT, HMM=False))


def test_the_words_of_one_model_are_not_those_of_another(other: Any) -> None:
    import jieba

    assert "蓝鲸引擎" not in list(other.cut(TEXT, HMM=False))
    assert "蓝鲸引擎" not in jieba.dt.FREQ


def test_no_cache_is_read_and_none_is_written(tmp_path: Path) -> None:
    """Whoever may write to /tmp could else hand us a dictionary, or break the load."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (temporary / "jieba.cache").write_bytes(b"not jieba's")
    script = (
        "import logging, sys; from pathlib import Path; logging.basicConfig(level=logging.INFO);"
        "from worker.engine.punctuation.word_segmentation import load_segmenter;"
        "cut = load_segmenter(Path(sys.argv[1])).cut(sys.argv[2], HMM=False);"
        "print('/'.join(cut))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(dictionary(tmp_path, "蓝鲸引擎 30")), TEXT],
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "蓝鲸引擎" in done.stdout.split("/")
    assert done.stderr == ""
    assert [file.name for file in temporary.iterdir()] == ["jieba.cache"]
    assert (temporary / "jieba.cache").read_bytes() == b"not jieba's"


def test_a_dictionary_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "jieba_usr_dict"
    file.write_bytes("蓝鲸引擎 30 n\n".encode("gb18030"))
    with pytest.raises(ValueError, match="utf-8"):
        load_segmenter(file)
