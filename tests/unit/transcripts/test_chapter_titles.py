"""What proposed chapters are called: terms that a secretary would keep, of made-up meetings."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import worker.demo_model
from shared.transcripts.chapters import propose_chapters
from shared.transcripts.chapters.terms import WIDEST, find_terms
from shared.transcripts.chapters.titles import cells, chapter_titles
from shared.transcripts.values import Sentence, Transcript

ANNOUNCED = [
    """第一件事情是明年的预算，财务那边催了好几次了。我看了一下，明年的预算总共是三百二十万。
    然后服务器这一块占了差不多一半。其实不是我们想买，是因为训练的任务越来越多。
    财务看的就是数据，你光说不够用他们是不会批的。好的，我这周五之前把预算申请改好发给大家。
    差旅费超支主要是因为那个展会，临时多去了六个人。""",
    """那第二件事情，招聘。目前我们有五个岗位是空的，其中两个是后端工程师。
    后端工程师的简历收了不少，但是合适的不多。我面了八个候选人，其实只有两个可以进二面。
    哦，这样啊，那就先把那两个候选人的二面约了。二面谁来面，我这周都在出差。""",
    """第三件事情，就是上周那个客户投诉。这个客户投诉的是转写的延迟，说录音传上去要等四十分钟。
    四十分钟确实太长了，我们承诺的是十分钟以内。我的建议是按客户做公平调度，每个客户轮流来。
    公平调度这个方案要做多久？公平调度大概两周吧，加上测试三周。""",
]
REPEATED = [
    """各位业主晚上好，今天把大家请过来主要是商量一下。咱们这个电梯已经用了十八年了，上个月坏了四次。
    电梯公司说主机要换，换一台要二十六万。那维修基金里面还有多少钱？
    维修基金还剩四十一万，动用维修基金要三分之二的业主签字。有些业主不住在这里，房子租出去了，怎么签字？
    然后电梯公司的报价是不是只有一家？好，那就这样，先找三家电梯公司报价。""",
    """还有停车最近吵得很厉害。地面停车位一共一百二十个，登记的车有两百多辆。
    晚上十点以后回来根本没有停车位，只能停在消防通道上。消防通道绝对不能停车，上次已经警告过我们了。
    外来车辆太多了，保安也不管，道闸坏了三个月了。那就先把消防通道划出来，画上黄线，贴上告示。""",
]
ENGLISH = [
    """Okay, so, good morning everyone, let's get started. I think the mobile app is kind of behind.
    I mean, we could push the mobile app to the third quarter if we have to.
    Right, but customers have been asking for the mobile app since last year.
    Yeah, I think that's fine, the dashboard can wait. The dashboard is out then.""",
    """So the next thing is the security audit. The auditors came back with eleven findings.
    Yeah, we knew about the findings, it's on my list. I will send the audit report to legal.""",
    """Well, nobody likes the five different plans, you know. I would like to keep the free plan.
    The free plan brings in most of our signups, so yes. But the free plan costs us a lot.""",
]


def said(chapters: Sequence[str]) -> list[list[Sentence]]:
    """The sentences of chapters, a second each."""
    found: list[list[Sentence]] = []
    at = 0
    for text in chapters:
        found.append([])
        for one in re.findall(r"[^。？.?]+[。？.?]", " ".join(text.split())):
            found[-1].append(Sentence(at, at + 1, one.strip()))
            at += 1
    return found


@pytest.mark.parametrize(
    ("chapters", "language", "titles"),
    [
        (ANNOUNCED, "zh", ["预算", "招聘", "客户投诉"]),
        (
            ["好，再说垃圾分类，街道要来检查。", "还有就是停车位的问题，吵得厉害。"],
            "zh",
            ["垃圾分类", "停车位"],
        ),
        (REPEATED, "zh", ["电梯公司、业主", "消防通道、停车位"]),
        (ENGLISH, "en", ["mobile app", "security audit", "free plan"]),
    ],
)
def test_titles_are_the_terms_of_the_matter(
    chapters: list[str], language: str, titles: list[str]
) -> None:
    assert chapter_titles(said(chapters), language) == titles


def test_no_term_is_filling_a_number_a_person_or_a_piece_of_a_word() -> None:
    more = "李娜说过拟合了。小张说过拟合的事情。李娜也同意老王。老王说选人。候选人太少。三家电梯。"
    texts = [one.text for chapter in said([*ANNOUNCED, *REPEATED, more]) for one in chapter]
    found = {term.text for term in find_terms(texts)}
    assert {"过拟合", "候选人", "公平调度", "后端工程师", "维修基金", "电梯"} <= found
    pieces = {"拟合", "候选", "防通道", "维修基", "平调度", "端工程师", "家电梯", "件事情"}
    filling = {"我们", "这个", "然后", "就是", "大家", "没有", "十分钟", "三家", "李娜", "老王"}
    assert found & (pieces | filling) == set()
    assert all(cells(term) <= WIDEST for term in found)
    assert "电梯公司" in found
    assert "电梯公司" not in {term.text for term in find_terms(texts, ["电梯公司"])}


def test_a_chapter_in_which_nothing_is_repeated_is_called_after_its_beginning() -> None:
    chapters = said(
        ["好的，嗯，我们大家先吃一碗红烧牛肉面吧。再见。", "Okay, so, birds sing. They fly."]
    )
    assert chapter_titles(chapters, "zh") == ["大家先吃一碗红烧牛肉面吧", "birds sing"]


@pytest.mark.parametrize(
    ("chapter", "title"),
    [
        ("welcome everybody to today's budget meeting.", "welcome everybody to"),
        ("对，行政部门下个月要搬家。", "行政部门下个月要搬家"),
        ("那个方案大家都看过吗？", "那个方案大家都看过吗"),
        ("那大家看看隔壁新来的人吧。", "大家看看隔壁新来的人吧"),
        ("对账流程今天要改掉。", "对账流程今天要改掉"),
        ("a" * 30 + ".", "a" * 24),
    ],
)
def test_a_beginning_is_not_cut_within_a_word(chapter: str, title: str) -> None:
    assert chapter_titles(said([chapter]), "zh") == [title]


def test_the_sample_meeting_has_titles_of_its_matters() -> None:
    stored = Path(worker.demo_model.__file__).with_name("sample_meeting.json").read_text("utf-8")
    meeting = json.loads(stored)
    sentences = tuple(
        Sentence(one["start"], one["end"], one["text"], speaker=one["speaker"])
        for one in meeting["sentences"]
    )
    proposed = propose_chapters(Transcript(meeting["duration"], "zh", "demo", sentences))
    assert [chapter.title for chapter in proposed] == ["新版本的发布", "演示"]
