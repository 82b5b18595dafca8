"""Names that SQL takes for something else."""

from __future__ import annotations

from warehouse_admin.lineage.normal import KEYWORDS
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.sources import sources

_RESERVED = frozenset({"TRUE", "FALSE", "NULL", "TEAM_ID"})
"""Words that HogQL keeps for itself beyond its grammar."""


def is_reserved(name: str) -> bool:
    """Whether a view of this name has to be quoted wherever it is read, or is a word of the language itself."""
    if any(part.upper() in KEYWORDS or part.upper() in _RESERVED for part in name.split(".")):
        return True
    query = f"SELECT 1 FROM {name}"  # noqa: S608 (parsed, never run)
    parsed = parse(query)
    return not parsed.problem and (parsed.error is not None or sources(query).names != (name,))
