"""Minutes as files: what they say, and that a model's words stay words."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import docx
import pytest

from shared.minutes.contents import Minutes, Point
from shared.minutes.export import FORMATS, MinutesFile
from shared.transcripts.values import Sentence

SENTENCES = (Sentence(3.0, 4.0, "一。"), Sentence(65.0, 70.0, "二。"))
MINUTES = Minutes(
    summary=(
        Point("<img src=x> *好* [a](http://b)", (1, 0), unverified=("9",)),
        Point("1. 无", ()),
    ),
    todos=(Point("写“文档”", (1,), owner="张三", due="周五"),),
    chapters=(Point("开场", (0,)),),
)


def file(*, accepted: bool = False, language: str = "zh") -> MinutesFile:
    return MinutesFile(
        title="周会\n一",
        job_id="j",
        language=language,
        model="small",
        minutes=MINUTES,
        sentences=SENTENCES,
        accepted=accepted,
        completed_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_text_tells_times_and_doubts_until_somebody_accepted() -> None:
    assert FORMATS["txt"].write(file()).decode() == (
        "会议纪要：周会 一\n由模型 small 起草，尚未有人确认。\n\n"
        "摘要\n- <img src=x> *好* [a](http://b)（00:00:03，原话中没有：9）\n- 1. 无（没有出处）\n\n"
        "待办\n- 张三，周五：写“文档”（00:01:05）\n\n"
        "章节\n- 00:00:03 开场\n"
    )
    accepted = FORMATS["txt"].write(file(accepted=True, language="en")).decode()
    assert accepted.startswith("Minutes: 周会 一\n\nSummary\n")
    assert "9" not in accepted.replace("19", "") and "without source" not in accepted


def test_markdown_takes_nothing_of_a_model_for_markup() -> None:
    lines = FORMATS["md"].write(file()).decode().splitlines()
    assert lines[0] == "# 会议纪要：周会 一"
    assert r"- \<img src=x\> \*好\* \[a\](http://b)（00:00:03，原话中没有：9）" in lines
    assert r"- 1\. 无（没有出处）" in lines
    assert "- [ ] 张三，周五：写“文档”（00:01:05）" in lines


@pytest.mark.parametrize("accepted", [True, False])
def test_word_says_the_same_and_is_reproducible(accepted: bool) -> None:
    written = FORMATS["docx"].write(file(accepted=accepted))
    assert written == FORMATS["docx"].write(file(accepted=accepted))
    paragraphs = docx.Document(io.BytesIO(written)).paragraphs
    said = [(p.style.name, p.text) for p in paragraphs if p.style is not None]
    assert said[0] == ("Heading 1", "会议纪要：周会 一")
    assert ("Heading 2", "待办") in said
    assert ("List Bullet", "张三，周五：写“文档”（00:01:05）") in said
    assert (said[1][0] == "Subtitle") is not accepted
