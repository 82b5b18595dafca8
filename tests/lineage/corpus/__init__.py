"""HogQL queries with what is true of each, labelled by hand from the language as PostHog describes it.

A query reads tables whose columns are listed (see `world`), and perhaps some that nobody has listed (`events`).
`reads` has its sources in the order they are read. `gives` has its output columns: `name:type`, `name` where the type
cannot be told, `?` for one that PostHog makes a name up for, `*source` for columns that nobody has listed, `None` where
the grammar refuses the text. A query of which not everything can be followed has `~` before its columns.

`grades` has a letter for each change of V in `world.CHANGES`: what becomes of the query. Breaking: PostHog would refuse
it. Risky: it goes on, with another type or meaning of what it uses, or other columns of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_admin.lineage.grading import Grade

LETTERS = {
    # letter: what is true, and what may be answered
    "s": (Grade.SAFE, Grade.SAFE),
    "r": (Grade.RISKY, Grade.RISKY),
    "b": (Grade.BREAKING, Grade.BREAKING),
    "c": (Grade.CANNOT_TELL, Grade.CANNOT_TELL),
    # Honest, and less than what is true.
    "R": (Grade.RISKY, Grade.CANNOT_TELL),
    "S": (Grade.SAFE, Grade.CANNOT_TELL),
    "p": (Grade.CANNOT_TELL, Grade.RISKY),
    # Louder than what is true.
    "q": (Grade.SAFE, Grade.RISKY),
    "x": (Grade.RISKY, Grade.BREAKING),
    "y": (Grade.SAFE, Grade.BREAKING),
}
"""No letter has a true break that is answered by less, nor anything that is answered “safe” and is not."""

NOT_READ = "sssssss"
READ = "bbsrcss"
USED = "bbsRcss"
"""Read, for a value whose type is not followed here."""
STAR = "rrsrcrs"


@dataclass(frozen=True)
class Query:
    """One labelled query; `grades` "" where it does not read V."""

    sql: str
    reads: str
    gives: str | None
    grades: str = ""
