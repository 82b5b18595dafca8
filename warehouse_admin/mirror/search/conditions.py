"""Which views a search finds, and in which order.

A text is looked for in the folded copies (`texts`), and in the views themselves where these are stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db import connection as database
from django.db.models import BooleanField, Case, F, Func, IntegerField, Lookup, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import Contains, IContains

from warehouse_admin.core.searching import Mention
from warehouse_admin.mirror.models import SavedQuery, SearchText
from warehouse_admin.mirror.search import indexes
from warehouse_admin.mirror.search.language import Search, Term, parse
from warehouse_admin.mirror.search.operators import Asked, Operator, Unusable
from warehouse_admin.mirror.search.texts import folded

_WORDS = re.compile(r"[^\W\d_]{3,}(?: [^\W\d_]{3,})*")
"""What can be words of a language; a part of a name or of SQL is looked for as it is."""
ANYWHERE = ("about", "columns", "query")


@dataclass(frozen=True)
class Found:
    """What became of a text that was typed: the condition, what was not understood, and what to show as found."""

    condition: Q
    search: Search
    problems: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Texts that were looked for anywhere."""
        return tuple(term.value for term in self.search.terms if not term.operator and not term.excluded)

    def values(self, operator: str) -> tuple[str, ...]:
        """What was asked of one operator."""
        return tuple(term.value for term in self.search.terms if term.operator == operator and not term.excluded)


def read(text: str, operators: dict[str, Operator], asked: Asked) -> Found:
    """Take a typed text apart and turn it into a condition; what means nothing is left out and told of."""
    search = parse(text, operators)
    problems = list(search.problems)
    understood: list[tuple[Term, Q]] = []
    texts: list[tuple[Term, tuple[str, ...]]] = []
    for term in search.terms:
        fields = ANYWHERE if not term.operator else TEXT_OPERATORS.get(term.operator)
        if fields is not None:
            texts.append((term, fields))
            continue
        try:
            understood.append((term, operators[term.operator].condition(term.value, asked)))
        except Unusable as error:
            problems.append(f"“{term.operator}:{term.value[:40]}” means nothing. {error}")
    condition = _all_of(understood, operators) & _texts(texts)
    return Found(condition, search, tuple(problems))


TEXT_OPERATORS: dict[str, tuple[str, ...]] = {"sql": ("query",), "column": ("columns",)}
"""Operators that look for a text in one of the folded copies."""


def _all_of(understood: list[tuple[Term, Q]], operators: dict[str, Operator]) -> Q:
    found = Q()
    either: dict[str, Q] = {}
    for term, condition in understood:
        if term.excluded:
            found &= ~condition
        elif operators[term.operator].one_of:
            either[term.operator] = either[term.operator] | condition if term.operator in either else condition
        else:
            found &= condition
    return reduce(and_, either.values(), found)


def _texts(texts: list[tuple[Term, tuple[str, ...]]]) -> Q:
    """All wanted texts in one look at the copies, each unwanted one in its own."""
    wanted = [(term.value, fields) for term, fields in texts if not term.excluded]
    found = _in_copies(wanted) if wanted else Q()
    for term, fields in texts:
        if term.excluded:
            found &= ~_in_copies([(term.value, fields)])
    return found


def _in_copies(texts: list[tuple[str, tuple[str, ...]]]) -> Q:
    copies = SearchText.objects.all()
    for word, fields in texts:
        copies = copies.filter(_in_copy(folded(word), fields))
    themselves = reduce(and_, (_in_view(word, fields) for word, fields in texts))
    return Q(search_stale=False, pk__in=copies.values("saved_query")) | (Q(search_stale=True) & themselves)


def _in_copy(word: str, fields: tuple[str, ...]) -> Q:
    """A folded text by its letters, or by the stems of its words where names and descriptions are looked at."""
    found = _any(Q(**{f"{field}__holds": word}) for field in fields)
    parts = indexes.parts_of(word)
    if parts and database.vendor == "sqlite" and indexes.is_there(database):
        found = Q(HasParts(F("id"), parts=tuple(parts))) & found
    if "about" in fields and _WORDS.fullmatch(word) and indexes.has_stems(database):
        found |= Q(HasStems(F("id"), F("about"), words=word))
    return found


def _in_view(word: str, fields: tuple[str, ...]) -> Q:
    """The same asked of the view itself."""
    of_field: dict[str, list[Any]] = {
        "about": [F("name"), F("description")],
        "columns": [ColumnNames("columns")],
        "query": [Coalesce(F("query"), Value(""), output_field=TextField())],
    }
    expressions = [expression for field in fields for expression in of_field[field]]
    return mentions(word, expressions)


def mentions(word: str, expressions: Iterable[Any]) -> Q:
    """A text in one of the fields of the views themselves, whatever the case."""
    if word.isascii():
        return Q(Mention(word, *expressions))
    return _any(Q(AnyCase(expression, word)) for expression in expressions)


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)


def ranked(views: QuerySet[SavedQuery], words: Iterable[str]) -> QuerySet[SavedQuery]:
    """With `found_in`: 0 where the name is what was looked for, 1 begins with it, 2 holds all words of it, else 3."""
    words = list(words)
    whole = " ".join(words)
    return views.annotate(
        found_in=Case(
            When(name__iexact=whole, then=Value(0)),
            When(name__istartswith=whole, then=Value(1)),
            When(reduce(and_, (mentions(word, [F("name")]) for word in words)), then=Value(2)),
            default=Value(3),
            output_field=IntegerField(),
        )
    )


def within(field: str) -> Callable[[str, Asked], Q]:
    """The condition of an operator that looks for a text in one field of the view."""
    return lambda value, asked: mentions(value, [F(field)])


@TextField.register_lookup
class Holds(Lookup):
    """A folded text within another."""

    lookup_name = "holds"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = compiler.compile(self.lhs)
        return f"INSTR({column}, %s) > 0", [*parameters, self.rhs]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return Contains(self.lhs, self.rhs).as_sql(compiler, connection)


class AnyCase(Func):
    """`icontains` of an expression, as a condition by itself."""

    output_field = BooleanField()

    def __init__(self, expression: Any, word: str = "", **extra: Any) -> None:
        super().__init__(expression, **extra)
        self.word = word

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        return IContains(self.get_source_expressions()[0], self.word).as_sql(compiler, connection)


class HasParts(Func):
    """Whether SQLite's full-text index knows a row to have all these parts somewhere, not yet in which order."""

    output_field = BooleanField()

    def __init__(self, key: Any, parts: tuple[str, ...] = (), **extra: Any) -> None:
        super().__init__(key, **extra)
        self.parts = parts

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        key, parameters = compiler.compile(self.get_source_expressions()[0])
        wanted = " AND ".join('"' + part.replace('"', '""') + '"' for part in self.parts)
        table = indexes.FULL_TEXT
        return f"{key} IN (SELECT rowid FROM {table} WHERE {table} MATCH %s)", [*parameters, wanted]  # noqa: S608


class HasStems(Func):
    """Whether a name or description has these words, whatever their endings, side by side."""

    output_field = BooleanField()

    def __init__(self, key: Any, about: Any, words: str = "", **extra: Any) -> None:
        super().__init__(key, about, **extra)
        self.words = words

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        key, parameters = compiler.compile(self.get_source_expressions()[0])
        table = indexes.STEMS
        return f"{key} IN (SELECT rowid FROM {table} WHERE {table} MATCH %s)", [*parameters, f'"{self.words}"']  # noqa: S608

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        about, parameters = compiler.compile(self.get_source_expressions()[1])
        language = indexes.LANGUAGE
        return (
            f"to_tsvector('{language}', {about}) @@ phraseto_tsquery('{language}', %s)",
            [*parameters, self.words],
        )


class ColumnNames(Func):
    """The names of a view's columns as one text."""

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        names = f"SELECT GROUP_CONCAT(JSON_EXTRACT(value, '$.name'), CHAR(10)) FROM JSON_EACH({column})"  # noqa: S608
        return f"COALESCE(({names}), '')", parameters

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        return f"(JSONB_PATH_QUERY_ARRAY({column}, '$[*].name'))::text", parameters
