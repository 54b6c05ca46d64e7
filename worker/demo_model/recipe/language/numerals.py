"""Numbers, dates and amounts as meetings say them."""

import random
from collections.abc import Callable

from worker.demo_model.recipe.language.lexicon import TERMINALS

DIGITS = "一二三四五六七八九"


def numeral(value: int) -> str:
    """1 to 99 as it is said: 二十三."""
    tens, ones = divmod(value, 10)
    text = DIGITS[tens - 1] if tens > 1 else ""
    return text + ("十" if tens else "") + (DIGITS[ones - 1] if ones else "")


def _count(rng: random.Random) -> str:
    value = rng.choice((2, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20))
    return "两" if value == 2 else numeral(value)


def _money(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return numeral(rng.randint(3, 99)) + "万"
    if kind == 1:
        return rng.choice(DIGITS) + "百" + rng.choice(("", "二十", "五十", "八十")) + "万"
    if kind == 2:
        return rng.choice(DIGITS[2:]) + "千"
    return rng.choice(DIGITS) + "百" + numeral(rng.randint(11, 99))


def _date(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        return f"{numeral(rng.randint(1, 12))}月{numeral(rng.randint(1, 31))}号"
    if kind < 0.75:
        return rng.choice(("这周", "下周", "本周")) + rng.choice("一二三四五")
    return rng.choice(("明天", "后天", "今天", "月底", "年底", "下个月", "下个季度", "周末"))


def _clock(rng: random.Random) -> str:
    half = rng.choice(TERMINALS["part_of_day"])
    return half + rng.choice("八九十两三四五") + rng.choice(("点", "点半", "点一刻"))


NUMBERS: dict[str, Callable[[random.Random], str]] = {
    "count": _count,
    "page": lambda rng: numeral(rng.randint(1, 40)),
    "money": _money,
    "percent": lambda rng: "百分之" + numeral(rng.randint(1, 99)),
    "date": _date,
    "clock": _clock,
}
# Everything that NUMBERS can spell, for the vocabulary.
NUMBER_CHARACTERS = DIGITS + "十百千万两百分之月号这下本周明后今天底年个季度末上午早晚点半一刻"
