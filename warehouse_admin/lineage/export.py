"""What a selector means as a file that a spreadsheet cannot be tricked by."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from warehouse_admin.core.spreadsheets import harmless
from warehouse_admin.lineage.listed import Row

HEADER = ("name", "kind", "state", "depth", "steps", "id")


def as_csv(rows: Iterable[Row]) -> str:
    """`depth` counts layers of the whole warehouse, `steps` from the nearest name, below 0 for what is read."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for row in rows:
        # A number below 0 is calculated to itself; what others wrote is not left to calculate.
        numbers = ["" if number is None else number for number in (row.depth, row.steps)]
        writer.writerow([harmless(row.name), row.kind, row.state, *numbers, harmless(row.id)])
    return out.getvalue()
