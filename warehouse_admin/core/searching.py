"""Searching rows by the words that a person typed."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Lookup, Q, TextField
from django.db.models.lookups import IContains

MOST_WORDS = 8


@CharField.register_lookup
@TextField.register_lookup
class Mentions(Lookup):
    """`icontains`, made for fields that may hold long texts such as SQL.

    There PostgreSQL's `UPPER(…) LIKE` makes a copy of every text first; a regular expression reads it as it is.
    """

    lookup_name = "mentions"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return IContains(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        if not isinstance(self.lhs.output_field, TextField):
            return self.as_sql(compiler, connection)
        column, parameters = compiler.compile(self.lhs)
        return f"{column} ~* %s", [*parameters, f"***={self.rhs}"]  # the stars: what follows is taken literally


def every_word(text: str, *fields: str) -> Q:
    """Each of the first words somewhere in one of the fields, whatever the case."""
    found = Q()
    for word in text.replace("\x00", " ").split()[:MOST_WORDS]:
        found &= Q.create([(f"{field}__mentions", word) for field in fields], connector=Q.OR)
    return found
