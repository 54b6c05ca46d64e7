"""Where chapters are proposed, and how a transcript is divided at those that there are."""

from __future__ import annotations

import random

from shared.transcripts.chapters import propose_chapters, sections
from shared.transcripts.values import Sentence, Transcript

MATTERS = {
    "预算": ("今年的预算要用在服务器上", "服务器预算不能超过去年", "预算还差十万"),
    "招聘": ("我们要招聘两位工程师", "招聘流程太长", "工程师面试安排在周三", "招聘由小王负责"),
    "测试": ("上线之前要做压力测试", "压力测试发现内存泄漏", "GPU集群的GPU不够用，GPU要扩容"),
}


def meeting(pause_s: float = 3.0) -> Transcript:
    """Three matters of thirty sentences each, with a pause between two of them."""
    chance = random.Random(1)
    sentences, at = [], 0.0
    for said in MATTERS.values():
        for _ in range(30):
            sentences.append(Sentence(at, at + 5, chance.choice(said) + "。"))
            at += 5.2
        at += pause_s
    return Transcript(at, "zh", "demo", tuple(sentences))


def test_chapters_begin_where_the_words_change_and_are_named_after_them() -> None:
    proposed = propose_chapters(meeting())
    assert [chapter.sentence for chapter in proposed] == [0, 30, 60]
    assert "预算" in proposed[0].title
    assert "招聘" in proposed[1].title
    assert "GPU" in proposed[2].title
    assert proposed == propose_chapters(meeting())


def test_nothing_is_proposed_where_nothing_stands_out() -> None:
    assert propose_chapters(Transcript(0, "zh", "demo")) == []
    short = Transcript(20, "zh", "demo", meeting().sentences[:4])
    assert propose_chapters(short) == []


def test_removed_sentences_are_no_part_of_a_proposal() -> None:
    whole = meeting()
    removed = Sentence(0, 5, "")
    moved = Transcript(whole.duration, "zh", "demo", (removed, *whole.sentences[1:]))
    assert [c.sentence for c in propose_chapters(moved)] == [1, 30, 60]


def test_a_sentence_belongs_to_the_chapter_that_begins_while_it_is_said() -> None:
    sentences = tuple(Sentence(n, n + 0.9, str(n)) for n in range(5))
    transcript = Transcript(5, "zh", "demo", sentences)
    found = sections(transcript, [(3.0, "c"), (1.5, "b"), (9.0, "none")])
    assert [(s.title, s.transcript.text) for s in found] == [
        (None, "0"),
        ("b", "1 2"),
        ("c", "3 4"),
        ("none", ""),
    ]
    assert [s.title for s in sections(transcript, [(0.0, "a")])] == ["a"]
    assert [s.title for s in sections(transcript, [])] == [None]
