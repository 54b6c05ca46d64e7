"""Spaces between Chinese and Latin script, which make text easier to read.

Stored text never has them. Pages leave them to the browser (CSS `text-autospace`), so that text
which is copied or searched there equals the stored text.
"""

from __future__ import annotations

import re

HAN = (
    "\u3005-\u3007\u3040-\u30fa\u30fc-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Ideographs, kana and bopomofo, as the inside of a character class: scripts without spaces."""

_LETTER = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u052f"

_BOUNDARY = re.compile(
    # 用GPU, 约$30, 在@name, 这是#1; a sign alone may be either's
    f"(?<=[{HAN}])(?=[$€£¥@#]?[{_LETTER}])"
    # GPU吗, 25%的, 30℃时
    f"|(?<=[{_LETTER}%‰°℃℉])(?=[{HAN}])"
    # C++写, C#写
    f"|(?<=[{_LETTER}][+#])(?=[{HAN}])"
    f"|(?<=[+][+])(?=[{HAN}])"
)


def spaced(text: str) -> str:
    """Insert a space where Chinese meets Latin letters or digits.

    Nothing is inserted beside a mark, within a Latin word, a number with its unit (3GB) or an
    address, or where there is a space already, so a second call changes nothing.

    >>> spaced("用GPU跑了3.5GB，C++写的")
    '用 GPU 跑了 3.5GB，C++ 写的'
    """
    return _BOUNDARY.sub(" ", text)
