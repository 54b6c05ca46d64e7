"""Spoken numbers in digits: what is one is written, and what is none stays."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.transcripts.realign import WORD
from shared.transcripts.values import Sentence, Transcript, Word
from shared.words.numbers.finding import NUMERALS
from shared.words.numbers.transcripts import with_written_numbers
from shared.words.numbers.writing import written_numbers

WRITTEN = [
    ("八十五万元", "85万元"),
    ("三百二十块钱", "320块钱"),
    ("一共是一千二百三十四元", "一共是1234元"),
    ("预算是两百五十万", "预算是250万"),
    ("三亿五千万", "3亿5000万"),
    ("一万两千人", "12000人"),
    ("三万元", "3万元"),
    ("二零二六年十一月二十九日", "2026年11月29日"),
    ("今年十月一号放假", "今年10月1号放假"),
    ("九八年", "98年"),
    ("二零二四到二零二五财年", "2024到2025财年"),
    ("下午三点半开会", "下午3点半开会"),
    ("上午九点十五分", "上午9点15分"),
    ("今天下午两点二十开会", "今天下午2点20开会"),
    ("八点零五分", "8点05分"),
    ("百分之二十", "20%"),
    ("增长了百分之三点五", "增长了3.5%"),
    ("百分之百", "100%"),
    ("三点一四", "3.14"),
    ("一点二亿", "1.2亿"),
    ("零点五", "0.5"),
    ("电话是一三八一二三四五六七八", "电话是13812345678"),
    ("幺三八零零零零零零零零", "13800000000"),
    ("房间号三零二", "房间号302"),
    ("工号零零七", "工号007"),
    ("拨打一二零", "拨打120"),
    ("第十五章", "第15章"),
    ("二十五个人", "25个人"),
    ("版本三点五", "版本3.5"),
    ("二十多岁", "20多岁"),
    ("二十一世纪", "21世纪"),
    ("用GPU跑了一百二十八个batch", "用GPU跑了128个batch"),
    ("iPhone十五", "iPhone 15"),  # or it would be another word, with other times
    ('他说"五百"，\\n', '他说"500"，\\n'),
    (
        "这个季度增长了百分之十五，达到三百万元，万一不够，我们再一起想办法。",
        "这个季度增长了15%，达到300万元，万一不够，我们再一起想办法。",
    ),
    ("请看第三十二页，我们有一百五十个GPU，十分重要。", "请看第32页，我们有150个GPU，十分重要。"),
]

SPOKEN = [
    "一些",
    "万一",
    "三心二意",
    "一起",
    "十分",
    "十分重要",
    "一下",
    "一点",
    "有一点问题",
    "一直",
    "一样",
    "统一",
    "千万不要",
    "第一",
    "第一次",
    "星期一",
    "周三",
    "一方面",
    "乱七八糟",
    "五花八门",
    "七上八下",
    "两个人",
    "三个",
    "一个",
    "一旦",
    "唯一",
    "之一",
    "百度",
    "四川",
    "三亚",
    "九寨沟",
    "十全十美",
    "二话不说",
    "双十一",
    "一心一意",
    "八卦",
    "不管三七二十一",
    "成千上万",
    "万分感谢",
    "亿万富翁",
    "一会儿",
    "百年老店",
    "半天",
    "说一不二",
    "六六大顺",
    "三三两两",
    "七七八八",
    "张三李四",
    "王五",
    "一五一十",
    "十有八九",
    "百里挑一",
    "四五个人",
    "三五百人",
    "一百来个",
    "几十个",
    "十几个人",
    "二十几个",
    "好几百",
    "一对一沟通",
    "一分为二",
    "九牛一毛",
    "三分之一",
    "二十分之一",
    "这三点一定要注意",
    "第三点一个问题",
    "两点建议",
    "一点一点地",
    "差一点一样",
    "早一点一起走",
    "七八年前",
    "三四年",
    "十九大报告",
    "三十六计走为上",
    "一二三四五",
    "农历八月十五",
    "正月十五",
    "十一国庆",
    "一千零一夜",
    "百分百",
]


@pytest.mark.parametrize(("spoken", "written"), WRITTEN)
def test_a_number_is_written_in_digits(spoken: str, written: str) -> None:
    assert written_numbers(spoken) == written


@pytest.mark.parametrize("spoken", SPOKEN)
def test_what_is_no_number_stays(spoken: str) -> None:
    assert written_numbers(spoken) == spoken
    assert written_numbers(f"我们{spoken}。") == f"我们{spoken}。"


def in_words(n: int) -> str:
    """How a whole number below a hundred millions is spoken."""
    if n >= 10_000:
        low = n % 10_000
        gap = "零" if 0 < low < 1000 else ""
        return in_words(n // 10_000) + "万" + gap + (in_words(low) if low else "")
    spoken = ""
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, unit)
        if digit:
            spoken += "零一二三四五六七八九"[digit] + name
        elif spoken and n and not spoken.endswith("零"):
            spoken += "零"
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


@settings(deadline=None, max_examples=150)
@given(st.integers(11, 99_999_999))
def test_every_whole_number_keeps_its_value(n: int) -> None:
    written = written_numbers(f"{in_words(n)}元").removesuffix("元")
    high, ten_thousands, low = written.rpartition("万")
    value = int(high or 0) * 10_000 + int(low or 0) if ten_thousands else int(written)
    assert value == n


TEXT = st.text(alphabet=NUMERALS + "点分之年月日号元第GP ，。", max_size=20)


@settings(deadline=None, max_examples=150)
@given(TEXT)
def test_all_but_numerals_stays_and_words_keep_their_order_in_time(text: str) -> None:
    spelt = WORD.findall(text)
    words = tuple(Word(word, float(n), n + 0.8) for n, word in enumerate(spelt))
    sentence = Sentence(0.0, float(len(words)) + 1, text, words)
    [written] = with_written_numbers(Transcript(60.0, "zh", "stub", (sentence,))).sentences
    assert (written.start, written.end) == (sentence.start, sentence.end)
    assert [word.word for word in written.words] == WORD.findall(written.text)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(written.words))

    def others(of: str) -> str:
        return "".join(one for one in of if one in "年月日号元第GP，。")

    assert others(written.text) == others(text)
    assert written_numbers(written.text).replace(" ", "") == written.text.replace(" ", "")


def test_a_number_has_the_time_of_its_words() -> None:
    words = tuple(Word(word, n / 2, n / 2 + 0.4) for n, word in enumerate("花八十五万元"))
    transcript = Transcript(9.0, "zh", "stub", (Sentence(0.0, 3.0, "花八十五万元。", words),))
    [sentence] = with_written_numbers(transcript).sentences
    assert sentence.text == "花85万元。"
    assert sentence.words == (words[0], Word("85", 0.5, 1.9), *words[4:])
