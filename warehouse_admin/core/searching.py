"""Searching rows by the words that a person typed."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import BooleanField, CharField, F, Func, Lookup, Q, TextField
from django.db.models.expressions import Col
from django.db.models.lookups import IContains

from warehouse_admin.core.trigrams import folded

MOST_WORDS = 8
_TO_ESCAPE = re.compile(r"[\\%_]")


@CharField.register_lookup
@TextField.register_lookup
class Mentions(Lookup):
    """`icontains`, made for searches, which have to read every row.

    For words that are not ASCII a regular expression is what reads long texts, such as SQL, without a copy of each.
    """

    lookup_name = "mentions"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return IContains(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.lhs.output_field, TextField):
            return self.as_sql(compiler, connection)
        column, parameters = compiler.compile(self.lhs)
        return f"{column} ~* %s", [*parameters, f"***={self.rhs}"]  # the stars: what follows is taken literally


class Mention(Func):
    """Whether a word of ASCII is somewhere in one of the fields.

    Such a word needs no rules of any language: with them switched off PostgreSQL reads a text in half the time. To put
    short texts together and look once takes it half the time of looking into each, and one index serves for all of
    them (`core.trigrams`).
    """

    output_field = BooleanField()

    def __init__(self, word: str, *fields: Any) -> None:
        super().__init__(*fields)
        self.word = word

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        each = [compiler.compile(IContains(field, self.word)) for field in self.get_source_expressions()]
        return f"({' OR '.join(sql for sql, _ in each)})", [one for _, more in each for one in more]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        compiled = [_never_null(field, *compiler.compile(field)) for field in self.get_source_expressions()]
        parameters = [one for _, more in compiled for one in more]
        word = _TO_ESCAPE.sub(r"\\\g<0>", self.word.upper())
        return f"{folded([column for column, _ in compiled])} LIKE %s", [*parameters, f"%{word}%"]


def _never_null(field: Any, column: str, parameters: list[Any]) -> tuple[str, list[Any]]:
    """A text that is not there would hide those it is put together with."""
    is_sure = isinstance(field, Col) and not field.target.null
    return (column if is_sure else f"COALESCE({column}, '')"), parameters


def mentioned(text: str, *fields: str) -> Q:
    """The text as it is somewhere in one of the fields, whatever the case."""
    if text.isascii():
        return Q(Mention(text, *map(F, fields)))
    return Q.create([(f"{field}__mentions", text) for field in fields], connector=Q.OR)


def every_word(text: str, *fields: str) -> Q:
    """Each of the first words somewhere in one of the fields, whatever the case."""
    found = Q()
    for word in text.replace("\x00", " ").split()[:MOST_WORDS]:
        found &= mentioned(word, *fields)
    return found
