"""Errors of hotwords."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError
from shared.words.hotwords.bounds import LONGEST_WORD, MOST_WORDS


class TooManyHotwords(InvalidRequest):
    code = "too_many_hotwords"
    default_message = (
        f"These are more than {MOST_WORDS:,} hotwords. Keep the names and terms that are really "
        "said: the fewer words, the better each is heard."
    )


class HotwordTooLong(InvalidRequest):
    code = "hotword_too_long"
    default_message = (
        f"A hotword has more than {LONGEST_WORD} characters. Write one word or name a line."
    )


class UnreadableHotword(InvalidRequest):
    code = "unreadable_hotword"
    default_message = "A hotword holds half of a character. Save the list in UTF-8 and send it."


class HotwordListChanged(PermanentError):
    """The list is no longer the one that this change was made from."""

    code = "hotword_list_changed"
    http_status = 409
    default_message = (
        "Somebody changed this list meanwhile. Load it again, and make your change from what it "
        "is now."
    )
