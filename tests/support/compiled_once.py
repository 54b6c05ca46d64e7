"""Templates, statements, URL rules and revisions that each test's own application and database
would compile anew, compiled once a process.

It is more than half of the processor time of the tests that have either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.rules import RulePart

_STATEMENTS = 5_000

Builder = Callable[..., tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _RuleText:
    """What a URL rule's text says: its parts and what stands between them."""

    parts: Sequence[RulePart]
    trace: Sequence[tuple[bool, str]]
    converters: Mapping[str, BaseConverter]


class CompiledTemplates(BytecodeCache):
    """Templates as code, by their names and contents."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self._code.get(bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = CompiledTemplates()
"""Compiled templates for the environment of each application."""


def compile_once() -> None:
    """Have this process keep compiled SQL statements and URL rules from test to test."""
    _share_statements()
    _share_rules()
    _share_revisions()


def _share_statements() -> None:
    """Share one cache of statements among all engines. Its keys hold the dialect, of which each
    engine has its own: they are equal where they write and read the same."""

    def what_matters(dialect: Any) -> tuple[object, ...]:
        return type(dialect), dialect._json_serializer, dialect._json_deserializer

    def is_equal(dialect: Any, other: object) -> bool:
        return type(dialect) is type(other) and what_matters(dialect) == what_matters(other)

    def hashed(dialect: Any) -> int:
        return hash(what_matters(dialect))

    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = is_equal  # type: ignore[method-assign]
        kind.__hash__ = hashed  # type: ignore[method-assign, assignment]

    statements: LRUCache[Any, Any] = LRUCache(_STATEMENTS)
    make_engine = Engine.__init__

    def make_engine_with_it(engine: Engine, *given: Any, **named: Any) -> None:
        make_engine(engine, *given, **named)
        if engine._compiled_cache is not None:
            engine._compiled_cache = statements

    Engine.__init__ = make_engine_with_it  # type: ignore[method-assign, assignment]


def _share_revisions() -> None:
    """Read the revisions of a folder once, and not again at each change of a schema."""
    read = ScriptDirectory.from_config
    folders: dict[str | None, ScriptDirectory] = {}

    def read_once(config: Config) -> ScriptDirectory:
        folder = config.get_main_option("script_location")
        if folder not in folders:
            folders[folder] = read(config)
        return folders[folder]

    ScriptDirectory.from_config = read_once  # type: ignore[method-assign, assignment]


def _share_rules() -> None:
    """Share the parts of rules, and the functions that build their URLs."""
    _share_parts()
    _share_builders()


def _share_parts() -> None:
    """Share what is read from a rule's text: it is equal for equal texts and kinds of converters,
    of which each map has its own."""
    read: dict[tuple[object, ...], _RuleText] = {}
    read_text = Rule._parse_rule

    def read_once(rule: Rule, text: str) -> Sequence[RulePart]:
        assert rule.map is not None
        key = (text, *rule.map.converters.items())
        if key not in read:
            first = Rule(text)
            first.map = rule.map
            parts = tuple(read_text(first, text))
            read[key] = _RuleText(parts, first._trace, first._converters)
        found = read[key]
        rule._trace.extend(found.trace)
        for name, converter in found.converters.items():
            rule._converters[name] = own = copy(converter)
            own.map = rule.map
        rule.arguments.update(found.converters)
        return found.parts

    Rule._parse_rule = read_once  # type: ignore[method-assign]


def _share_builders() -> None:
    """Share the functions that build a rule's URLs: they are equal for equal parts, which are in
    its trace."""
    builders: dict[tuple[object, ...], Builder] = {}
    make_builder = Rule._compile_builder

    def make_builder_once(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return make_builder(rule, append_unknown)
        parts = (rule.rule, tuple(rule._trace), append_unknown)
        if parts not in builders:
            builders[parts] = make_builder(rule, append_unknown)
        return builders[parts]

    Rule._compile_builder = make_builder_once  # type: ignore[method-assign, assignment]
