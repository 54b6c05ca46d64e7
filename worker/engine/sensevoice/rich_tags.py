"""Tags that SenseVoice gives beside the text: the language, a feeling, an event, how numbers are
written.

The first four outputs of the network are such tags ('<|zh|>', '<|NEUTRAL|>', '<|Speech|>',
'<|withitn|>'), and others may stand between the words ('<|BGM|>').  Of all these only the language
is used; no tag is ever part of a text.
"""

from __future__ import annotations

LANGUAGES = ("zh", "en", "yue", "ja", "ko")
"""Languages that it was trained to recognise, by the names in its tags. Cantonese has no code in
ISO 639-1, so yue is that of ISO 639-3."""

QUERIES = 4
"""Inputs before the speech, each answered by one tag: the language, the feeling, the event, and how
numbers are written."""


def language_tag(language: str) -> str:
    """
    >>> language_tag("yue")
    '<|yue|>'
    """
    return f"<|{language}|>"
