"""Languages: English, in which the source is written, and Chinese.

The catalogues are gettext .po files, any number of them for a language. They are merged when they
are first used, so there is no build step to forget.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, Response, abort, redirect, request
from flask_babel import Babel, Domain, get_locale
from werkzeug.http import dump_cookie

from web.site_address import cookie_path, page_address, same_site_path

LANGUAGES = {"en": "English", "zh": "中文"}
"""Name of each language in that language, by the code that the cookie and the URLs carry."""

HTML_LANGUAGES = {"en": "en", "zh": "zh-Hans"}

THEMES = ("system", "light", "dark")

TRANSLATIONS = Path(__file__).parents[1] / "translations"
_SCRIPTS = Path(__file__).parents[1] / "static" / "js"

_LANGUAGE_COOKIE = "longscribe_language"
_THEME_COOKIE = "longscribe_theme"
_A_YEAR_S = 365 * 24 * 3600

preferences = Blueprint("preferences", __name__)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text for extraction; it is translated where it is used."""
    return text


@cache
def catalogue(language: str) -> Catalog:
    """The merged catalogue of `language`; empty for English."""
    merged = Catalog(locale=language)
    for path in sorted((TRANSLATIONS / language).rglob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if message.id and message.string:
                    merged.add(message.id, message.string)
    return merged


@cache
def _translations(language: str) -> NullTranslations:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


class _MergedCatalogues(Domain):  # type: ignore[misc]
    def get_translations(self) -> NullTranslations:
        return _translations(current_language())


class _Babel(Babel):  # type: ignore[misc]
    domain_instance = _MergedCatalogues()


def current_language() -> str:
    return str(get_locale() or "en")


def _choose_language() -> str:
    chosen = request.cookies.get(_LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    # A program's language is its author's; what it reads should not change with a header.
    if request.path.startswith("/api/"):
        return "en"
    # Not best_match(), which takes a Chinese in second place for an English "en-GB" before it.
    for tag, quality in request.accept_languages:
        if quality > 0 and (primary := tag.split("-")[0].lower()) in LANGUAGES:
            return primary
    return "en"


def _chosen_theme() -> str:
    chosen = request.cookies.get(_THEME_COOKIE, "")
    return chosen if chosen in THEMES else "system"


@cache
def script_translations(language: str) -> str:
    """A JSON object that maps the English texts of the scripts to those in `language`."""
    known = catalogue(language)
    words: dict[str, str] = {}
    for _, _, given, _, _ in extract_from_dir(
        _SCRIPTS, [("**.js", "javascript")], keywords={"_": None, "ngettext": (1, 2)}
    ):
        singular = given[0] if isinstance(given, tuple) else given
        message = known.get(singular)
        if message is not None and message.string:
            said = message.string if isinstance(message.string, str) else message.string[0]
            words[singular] = said
    return json.dumps(words, ensure_ascii=False, sort_keys=True)


def _translations_version(language: str) -> str:
    return hashlib.sha256(script_translations(language).encode()).hexdigest()[:12]


def words_version(language: str) -> str | None:
    """The version of the scripts' texts in a language; None in English, which needs none."""
    return None if language == "en" else _translations_version(language)


@preferences.get("/words/<language>-<version>.json")
def words(language: str, version: str) -> Response:
    """Serve the scripts' texts. The URL changes with them, so browsers may cache it for good."""
    if language not in LANGUAGES or version != _translations_version(language):
        abort(404)
    response = Response(script_translations(language), mimetype="application/json")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _remember(cookie: str, value: str) -> Response:
    response = redirect(same_site_path(request.args.get("next")), 303)
    response.headers.add(
        "Set-Cookie",
        dump_cookie(
            cookie,
            value,
            max_age=_A_YEAR_S,
            path=cookie_path(),
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        ),
    )
    return response  # type: ignore[return-value]


@preferences.get("/language/<language>")
def choose_language(language: str) -> Response:
    if language not in LANGUAGES:
        abort(404)
    return _remember(_LANGUAGE_COOKIE, language)


@preferences.get("/theme/<theme>")
def choose_theme(theme: str) -> Response:
    if theme not in THEMES:
        abort(404)
    return _remember(_THEME_COOKIE, theme)


def _here() -> str:
    """The address to return to after a change of language or theme."""
    return page_address() if request.method == "GET" else f"{request.script_root}/"


def _for_templates() -> dict[str, Any]:
    language = current_language()
    return {
        "language": language,
        "html_language": HTML_LANGUAGES[language],
        "languages": LANGUAGES,
        "theme": _chosen_theme(),
        "themes": THEMES,
        "here": _here(),
        "translations_version": words_version(language),
    }


def register_languages(app: Flask) -> None:
    _Babel(app, locale_selector=_choose_language)
    app.context_processor(_for_templates)
    app.register_blueprint(preferences)
