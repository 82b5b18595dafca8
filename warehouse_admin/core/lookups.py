"""Lookups of our own, for what Django's cost too much."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, Lookup
from django.db.models.lookups import In


@Field.register_lookup
class Among(Lookup):
    """`in` for long lists of plain values. Where the database has arrays the list is one parameter, not thousands.

    Of a foreign key, ask for the key itself: `saved_query__pk__among`.
    """

    lookup_name = "among"

    def get_prep_lookup(self) -> list[Any]:
        return [self.lhs.output_field.get_prep_value(value) for value in self.rhs]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return In(self.lhs, self.rhs).as_sql(compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = compiler.compile(self.lhs)
        return f"{column} = ANY(%s)", [*parameters, self.rhs]
