"""Hotwords: words that are likely to be said in a recording, names most of all.

`cleaning` reads what people give, `sets` stores it once, `lists` keeps an owner's list, a group's
and everybody's, `job_hotwords` what a job was given when it was submitted, and `counting`
finds in a text what was passed.  A model that takes none is never asked to
(`shared.jobs.hotwords`).
"""

from shared.words.hotwords.cleaning import (
    LONGEST_WORD,
    MOST_WORDS,
    ReadWords,
    clean_words,
    read_words,
)
from shared.words.hotwords.counting import MOST_FOUND, count_found
from shared.words.hotwords.errors import (
    HotwordListChanged,
    HotwordTooLong,
    TooManyHotwords,
    UnreadableHotword,
)
from shared.words.hotwords.job_hotwords import (
    LISTS_OPTION,
    OPTION,
    GivenWords,
    attach,
    given_words,
    wants_lists,
)
from shared.words.hotwords.lists import (
    EVERYBODY,
    WordList,
    end_list,
    group_words,
    list_sizes,
    move_list,
    read_list,
    replace_list,
)
from shared.words.hotwords.sets import digest_of, drop_unused, sets_of_jobs

__all__ = [
    "EVERYBODY",
    "LISTS_OPTION",
    "LONGEST_WORD",
    "MOST_FOUND",
    "MOST_WORDS",
    "OPTION",
    "GivenWords",
    "HotwordListChanged",
    "HotwordTooLong",
    "ReadWords",
    "TooManyHotwords",
    "UnreadableHotword",
    "WordList",
    "attach",
    "clean_words",
    "count_found",
    "digest_of",
    "drop_unused",
    "end_list",
    "given_words",
    "group_words",
    "list_sizes",
    "move_list",
    "read_list",
    "read_words",
    "replace_list",
    "sets_of_jobs",
    "wants_lists",
]
