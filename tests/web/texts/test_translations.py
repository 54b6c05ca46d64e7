"""Every text that a page or a script says is there in every language, and means the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import web.app  # noqa: F401 - it brings all kinds of errors
from web.errors import error_classes
from web.i18n.languages import LANGUAGES, TRANSLATIONS, catalogue, script_translations

WEB = TRANSLATIONS.parent
OTHERS = [language for language in LANGUAGES if language != "en"]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%%")


def _extracted() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Extract every text with its place, and its plural where it has one."""
    methods = [
        ("**/vendor/**", "ignore"),
        ("**.py", "python"),
        ("**/templates/**.html", "jinja2.ext:babel_extract"),
        ("static/js/**.js", "javascript"),
    ]
    for path, line, given, _, _ in extract_from_dir(
        WEB, methods, keywords=KEYWORDS, options_map={"**.html": {"silent": "false"}}
    ):
        texts = given if isinstance(given, tuple) else (given,)
        yield f"{path}:{line}", tuple(text for text in texts if text)
    for kind in error_classes():
        if kind.__module__.startswith(("shared.", "web.")):  # what others have brought is not shown
            yield kind.__name__, (kind.default_message,)


@pytest.fixture(scope="module")
def extracted() -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for place, texts in _extracted():
        found.setdefault(texts, place)
    return found


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text)) - {""}


def test_texts_are_found_in_code_templates_and_scripts(
    extracted: dict[tuple[str, ...], str],
) -> None:
    places = set(extracted.values())
    for kind in (".py:", ".html:", ".js:"):
        assert any(kind in place for place in places), kind


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_untranslated(extracted: dict[tuple[str, ...], str], language: str) -> None:
    known = catalogue(language)
    missing = {
        place: texts[0]
        for texts, place in extracted.items()
        if (message := known.get(texts[0])) is None or not message.string
    }
    assert missing == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_what_the_original_fills_in(
    extracted: dict[tuple[str, ...], str], language: str
) -> None:
    for texts, place in extracted.items():
        message = catalogue(language).get(texts[0])
        assert message is not None
        forms = message.string if isinstance(message.string, tuple | list) else [message.string]
        wanted = set().union(*map(_placeholders, texts))
        for form in forms:
            assert _placeholders(form) <= wanted, place
            assert wanted - _placeholders(form) <= {"num"}, place


@pytest.mark.parametrize("path", sorted(TRANSLATIONS.rglob("*.po")), ids=lambda path: path.stem)
def test_nothing_stale_is_kept(path: Path, extracted: dict[tuple[str, ...], str]) -> None:
    known = {text for texts in extracted for text in texts}
    with path.open("rb") as file:
        messages = [message for message in read_po(file, abort_invalid=True) if message.id]
    assert messages
    for message in messages:
        singular = message.id if isinstance(message.id, str) else message.id[0]
        assert singular in known, f"{singular!r} is said nowhere"
        assert not message.fuzzy


@pytest.mark.parametrize("language", OTHERS)
def test_two_files_do_not_translate_the_same_text_differently(language: str) -> None:
    seen: dict[str, object] = {}
    for path in (TRANSLATIONS / language).rglob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    assert seen.setdefault(key, message.string) == message.string, key


def test_scripts_are_sent_all_of_their_own_words_and_no_others() -> None:
    said = {texts[0] for place, texts in _extracted() if ".js:" in place}
    assert set(json.loads(script_translations("zh"))) == said
    assert script_translations("en") == "{}"
