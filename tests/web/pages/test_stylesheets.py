"""Style sheets in browsers that do not know all of them."""

from __future__ import annotations

import re

from tests.support.stack import REPOSITORY

FOLDER = REPOSITORY / "web" / "static" / "css"


def test_where_the_second_colour_is_unknown_there_is_the_first() -> None:
    """A token whose value a browser does not know would leave a page without colours."""
    named = r"(\S+ \{ )?(--[\w-]+): light-dark\((.+?), (?=#|rgb)"
    for name in ("base.css", "speakers.css"):
        both, _, alone = (
            (FOLDER / name).read_text().partition("@supports not (color: light-dark(#fff, #000)) {")
        )
        tokens = re.findall(named, both)
        assert len(tokens) >= 8
        missing = [token for token in tokens if "{}{}: {};".format(*token) not in alone]
        assert missing == []


def test_what_safari_knows_under_a_prefix_alone_has_it() -> None:
    sheets = "".join(path.read_text() for path in FOLDER.glob("*.css"))
    values = re.findall(r"(?<!-)user-select: (\w+);", sheets)
    assert values
    assert re.findall(r"-webkit-user-select: (\w+);", sheets) == values
    # It knows only the line in the short form, and drops all of one that has more.
    assert set(re.findall(r"text-decoration: ([^;]+);", sheets)) <= {
        *("none", "underline", "line-through"),
    }


def test_no_rule_asks_what_the_whole_page_has() -> None:
    """Chromium looks for it in all sentences of five hours at each key, 4 ms a time."""
    sheets = "".join(path.read_text() for path in FOLDER.glob("*.css"))
    assert re.findall(r"(?m)^\s*(?::root|html|body)[^\s{]*:has\([^{]+", sheets) == []
