"""Searching rows by the words that a person typed."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Lookup, Q, TextField
from django.db.models.lookups import IContains

MOST_WORDS = 8


@CharField.register_lookup
@TextField.register_lookup
class Mentions(Lookup):
    """`icontains`, made for searches, which have to read every row.

    There PostgreSQL's `UPPER(…) LIKE` goes through each text letter by letter, by the rules of the language. A word
    of ASCII needs no such rules: with them switched off a text is read in half the time. For other words a regular
    expression is what reads long texts, such as SQL, without a copy of each.
    """

    lookup_name = "mentions"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return IContains(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        word = str(self.rhs)
        column, parameters = compiler.compile(self.lhs)
        if word.isascii():
            return f'STRPOS(UPPER({column} COLLATE "C"), %s) > 0', [*parameters, word.upper()]
        if not isinstance(self.lhs.output_field, TextField):
            return self.as_sql(compiler, connection)
        return f"{column} ~* %s", [*parameters, f"***={word}"]  # the stars: what follows is taken literally


def mentioned(text: str, *fields: str) -> Q:
    """The text as it is somewhere in one of the fields, whatever the case."""
    return Q.create([(f"{field}__mentions", text) for field in fields], connector=Q.OR)


def every_word(text: str, *fields: str) -> Q:
    """Each of the first words somewhere in one of the fields, whatever the case."""
    found = Q()
    for word in text.replace("\x00", " ").split()[:MOST_WORDS]:
        found &= mentioned(word, *fields)
    return found
