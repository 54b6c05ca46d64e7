"""Search for the numerals of a text that are written in digits.

Chinese is full of numerals that are no numbers: 一些, 万一, 十分, 三心二意.  So one numeral alone
stays as it is spoken but in dates, times of day, decimals and percentages, and so does every row
of numerals that is no well-formed number: 三五百, 七七八八, 十有八九.  What is in doubt stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

NUMERALS = "零〇幺一二两三四五六七八九十百千万亿"
_N = f"[{NUMERALS}]"
_ONE = "[一二两三四五六七八九]"
_DIGIT = "[零〇幺一二三四五六七八九]"

_TENS = f"{_ONE}?十{_ONE}?"
_HUNDREDS = f"{_ONE}百(?:零{_ONE}|{_ONE}十{_ONE}?|{_ONE})?"
_THOUSANDS = f"{_ONE}千(?:零{_ONE}十{_ONE}?|零{_ONE}|{_HUNDREDS}|{_ONE})?"
_SECTION = f"(?:{_THOUSANDS}|{_HUNDREDS}|{_TENS}|{_ONE})"
_AMOUNT = f"(?:{_SECTION}亿)?(?:零?{_SECTION}万)?(?:零?{_SECTION})?"

_MONTH = "(?:十[一二]|[一二三四五六七八九十])"
_DAY = "(?:三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])"
_HOUR = "(?:二十[一二三四]?|十[一二三四五六七八九]?|[一二两三四五六七八九零])"
_MINUTE = "(?:[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九])"
_PART_OF_DAY = "上午|下午|早上|早晨|晚上|中午|凌晨|傍晚|夜里|今早|今晚|明早|明晚"


class NumberKind(StrEnum):
    """Form in which a number is spoken."""

    PERCENT = "percent"
    DECIMAL = "decimal"
    DIGITS = "digits"
    """Digit by digit, as years, telephone numbers and codes are."""
    AMOUNT = "amount"


_NUMBER = re.compile(
    rf"(?P<percent>百分之(?:百|(?:{_SECTION}|零)(?:点{_DIGIT}+)?)(?!{_N}))"
    rf"|(?<!{_N})(?:"
    rf"(?P<year>{_DIGIT}{{4}}|{_DIGIT}{{2}})(?=年)"
    rf"|(?P<month>{_MONTH})(?=月{_DAY}[日号])|(?<=年)(?P<month_of_year>{_MONTH})(?=月)"
    rf"|(?<=月)(?P<day>{_DAY})(?=[日号])"
    rf"|(?<={_PART_OF_DAY})(?P<hour>{_HOUR})(?=点)|(?P<hour_of_time>{_HOUR})(?=点{_MINUTE}分)"
    rf"|(?<=点)(?P<minute>{_MINUTE})(?!{_N})"
    rf"|(?P<decimal>(?:{_AMOUNT}|零)点{_DIGIT}+)(?![点十百千分刻])"
    rf"|(?P<digits>{_DIGIT}{{3,}})(?!{_N})"
    rf"|(?P<amount>{_N}{{2,}})(?!{_N})"
    rf")"
)
_WELL_FORMED = re.compile(_AMOUNT)

_BEFORE_A_TIME = re.compile(f"(?:(?:{_PART_OF_DAY}){_HOUR}|{_N})点$")
_LUNAR = re.compile("(?:农历|阴历)$")
_COUNTED_POINTS = re.compile("[第这那几哪前后上下有是]$")
"""Characters before 三点 that make it three points of a list."""
_WORD_WITH_ONE = re.compile("[定起些样直般下切旦律向共贯致边旁次种方]")
"""Behind 一 these make another word of it."""

_NO_AMOUNT_BEFORE = re.compile("(?:[几数双初周月点]|腊月|星期|礼拜|分之)$")
_NO_AMOUNT_BEHIND = re.compile("[几来点]|分之|分(?:重要|之)")
_SAYING = re.compile(
    "三十六计|五十步|十八罗汉|十八般|十三[陵香经]|二十四孝|二十八宿|七十二变|三百六十行|一千零一夜"
    "|十万八千里|十一(?:国庆|放假|长?假|黄金周)|十二分的?[热满高]|八十一难|六十四卦|(?:十[一-九]|二十)大(?!家)"
)

_BEFORE_A_CODE = re.compile(
    "(?:号码?|电话|手机|房间?|拨打?|编号|工号|代码|型号|单号|尾号|密码|验证码|分机|航班)[是为：:]?$"
)
_BEHIND_A_CODE = re.compile("号|室|房|国道|航班|路公交")
_TELEPHONE = 7
"""Digits that are a telephone number whatever stands around them."""


_AROUND = 16
"""Characters before and behind a number that are looked at, more than any of these patterns has."""


class SpokenNumber(NamedTuple):
    """The numerals from `start` to `end` of a text."""

    start: int
    end: int
    kind: NumberKind
    spoken: str


def spoken_numbers(text: str) -> Iterator[SpokenNumber]:
    """The numbers of a text that are written in digits, from left to right."""
    for found in _NUMBER.finditer(text):
        kind = _kind(text, found)
        if kind is not None:
            yield SpokenNumber(found.start(), found.end(), kind, found[0])


def _kind(text: str, found: re.Match[str]) -> NumberKind | None:
    """Kind of a number that was found; None where it stays as spoken."""
    before = text[max(0, found.start() - _AROUND) : found.start()]
    behind = text[found.end() : found.end() + _AROUND]
    spoken = found[0]
    match found.lastgroup:
        case "percent":
            return NumberKind.PERCENT
        case "year":
            is_year = len(spoken) == 4 or not _is_row(spoken)  # 七八年 are seven or eight years
            return NumberKind.DIGITS if is_year else None
        case "month" | "month_of_year" | "day" | "hour" | "hour_of_time":
            is_lunar = _LUNAR.search(before)
            return None if is_lunar else NumberKind.AMOUNT
        case "minute":
            is_minute = _BEFORE_A_TIME.search(before) and (
                behind.startswith("分") or re.search(f"(?:{_PART_OF_DAY}){_HOUR}点$", before)
            )
            return NumberKind.AMOUNT if is_minute else None
        case "decimal":
            return NumberKind.DECIMAL if _is_decimal(before, spoken, behind) else None
        case "digits":
            return NumberKind.DIGITS if _is_code(before, spoken, behind) else None
        case _:
            return NumberKind.AMOUNT if _is_amount(text, found.start(), found.end()) else None


def _is_decimal(before: str, spoken: str, behind: str) -> bool:
    if _COUNTED_POINTS.search(before) or re.search(f"(?:{_PART_OF_DAY})$", before):
        return False
    return not (spoken.endswith("一") and _WORD_WITH_ONE.match(behind))


def _is_code(before: str, spoken: str, behind: str) -> bool:
    if _is_row(spoken) or (_is_row(spoken[::2]) and spoken[::2] == spoken[1::2]):
        return False  # counted aloud: 一二三四, 七七八八
    if len(spoken) >= _TELEPHONE or "幺" in spoken:
        return True
    if _BEFORE_A_CODE.search(before) or _BEHIND_A_CODE.match(behind):
        return True
    return len(spoken) == 4 and spoken[:2] in ("一九", "二零", "二〇")  # a year


def _is_row(spoken: str) -> bool:
    """Return whether each digit is one more than the one before."""
    order = "零一二三四五六七八九"
    return len(spoken) > 1 and spoken in order


def _is_amount(text: str, start: int, end: int) -> bool:
    if not _WELL_FORMED.fullmatch(text, start, end) or _SAYING.match(text, start):
        return False
    if _NO_AMOUNT_BEFORE.search(text, max(0, start - _AROUND), start):
        return False
    return not _NO_AMOUNT_BEHIND.match(text, end)
