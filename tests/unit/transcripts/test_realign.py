"""Where the words of a corrected sentence are, without listening again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transcripts.realign import corrected
from shared.transcripts.values import Sentence, Word, join_text

RECOGNISED = Sentence(
    10.0,
    13.0,
    "我们用API写，好。",
    (
        Word("我", 10.0, 10.2),
        Word("们", 10.2, 10.5),
        Word("用", 10.6, 10.8),
        Word("API", 10.8, 11.4),
        Word("写", 11.4, 11.6),
        Word("好", 12.6, 13.0),
    ),
)


def words(text: str) -> list[tuple[str, float, float]]:
    return [(word.word, word.start, word.end) for word in corrected(RECOGNISED, text).words]


def kept(*indices: int) -> list[tuple[str, float, float]]:
    return [(w.word, w.start, w.end) for w in (RECOGNISED.words[i] for i in indices)]


@pytest.mark.parametrize("text", ["我们用API写，好。", "我们用 API 写 好", "我们，用API写？好！"])
def test_marks_and_spaces_move_no_word(text: str) -> None:
    assert words(text) == kept(0, 1, 2, 3, 4, 5)


def test_a_wrong_word_gives_its_time_to_the_right_one() -> None:
    assert words("我们用APP写，好。")[3] == ("APP", 10.8, 11.4)
    assert words("我们用api写，好。")[3] == ("api", 10.8, 11.4)


def test_several_words_for_one_share_its_time_by_their_length() -> None:
    found = words("我们用应用接口写，好。")
    assert found[:3] + found[7:] == kept(0, 1, 2, 4, 5)
    assert found[3:7] == [
        ("应", 10.8, 10.95),
        ("用", 10.95, 11.1),
        ("接", 11.1, 11.25),
        ("口", 11.25, 11.4),
    ]
    long, short = words("我们用gateway的写，好。")[3:5]
    assert long[2] - long[1] > short[2] - short[1]


def test_an_added_word_is_put_into_the_pause() -> None:
    assert words("我们用API写吗，好。")[5] == ("吗", 11.6, 12.6)
    assert words("我们用API写，好的。")[6] == ("的", 13.0, 13.0)  # there is no time left


def test_a_word_taken_out_leaves_the_others_where_they_are() -> None:
    assert words("我们写，好。") == kept(0, 1, 4, 5)


def test_an_empty_text_has_no_words_and_keeps_its_place() -> None:
    removed = corrected(RECOGNISED, "")
    assert (removed.start, removed.end, removed.text, removed.words) == (10.0, 13.0, "", ())


def test_a_sentence_recognised_without_word_times_gets_times_of_its_span() -> None:
    found = corrected(Sentence(1.0, 3.0, "好的"), "好吧").words
    assert found == (Word("好", 1.0, 2.0), Word("吧", 2.0, 3.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it's 3.5%, 1,000 state-of-the-art", ["it's", "3.5", "1,000", "state-of-the-art"]),
        ("ok,next。end.", ["ok", "next", "end"]),
        ("《时々》カタ한국 café", ["时", "々", "カ", "タ", "한국", "café"]),
    ],
)
def test_words_are_those_that_are_spoken(text: str, expected: list[str]) -> None:
    assert [word for word, _, _ in words(text)] == expected


def test_a_text_made_to_take_long_does_not() -> None:
    sentence = Sentence(0, 9, "啊" * 3000, tuple(Word("啊", n / 400, n / 400) for n in range(3000)))
    assert len(corrected(sentence, "啊a" * 1500).words) == 3000


_SPOKEN = st.lists(st.sampled_from(["我", "们", "用", "好", "API", "gateway", "it's"]), max_size=12)
_TYPED = st.lists(
    st.sampled_from(
        ["我", "们", "用", "好", "吗", "API", "api", "gateway", "，", " ", "。", "3.5"]
    ),
    max_size=16,
).map("".join)


@st.composite
def _recognised(draw: st.DrawFn) -> Sentence:
    spoken = draw(_SPOKEN)
    steps = draw(
        st.lists(
            st.floats(0, 2, allow_nan=False), min_size=2 * len(spoken), max_size=2 * len(spoken)
        )
    )
    at, made = 5.0, []
    for word, pause, length in zip(spoken, steps[::2], steps[1::2], strict=True):
        made.append(Word(word, at + pause, at + pause + length))
        at = made[-1].end
    return Sentence(5.0, at, join_text(spoken), tuple(made))


@given(_recognised(), _TYPED)
def test_times_never_go_back_or_leave_the_sentence(sentence: Sentence, text: str) -> None:
    found = corrected(sentence, text)
    times = [time for word in found.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(sentence.start <= time <= sentence.end for time in times)
    assert (found.start, found.end, found.text) == (sentence.start, sentence.end, text)
    assert "".join(word.word for word in found.words) == "".join(
        character for character in text if character not in "，。 "
    )
    assert corrected(sentence, text) == found


@given(_recognised(), st.data())
def test_what_is_left_of_a_sentence_keeps_its_times(
    sentence: Sentence, data: st.DataObject
) -> None:
    """Whichever words are taken out, and whatever is put in the place of one of them."""
    distinct = {word.word: word for word in sentence.words}
    kept = data.draw(st.lists(st.sampled_from(sorted(distinct)), unique=True)) if distinct else []
    once = Sentence(sentence.start, sentence.end, "", tuple(distinct.values()))
    left = [word for word in once.words if word.word in kept]
    assert list(corrected(once, " ".join(word.word for word in left)).words) == left
    marked = " 新 ".join(["", *(word.word for word in left), ""])
    assert [word for word in corrected(once, marked).words if word.word != "新"] == left


@given(st.text(max_size=30))
def test_no_text_is_too_strange(text: str) -> None:
    found = corrected(RECOGNISED, text)
    assert found.text == text
    assert all(word.word in text for word in found.words)


def test_kept_words_keep_their_confidence_and_what_a_person_wrote_has_none() -> None:
    spoken = [("用", 0.9), ("wi-fi", 0.3), ("和", 0.8), ("r&d", 0.7)]
    sentence = Sentence(
        0, 4, "用wi-fi和r&d。", tuple(Word(w, n, n + 1, c) for n, (w, c) in enumerate(spoken))
    )
    assert corrected(sentence, "用wi-fi，和r&d").words == sentence.words
    found = corrected(sentence, "用lan和一些r&d").words
    assert [(word.word, word.confidence) for word in found] == [
        *(("用", 0.9), ("lan", None), ("和", 0.8), ("一", None), ("些", None), ("r&d", 0.7)),
    ]
