"""Cells that a spreadsheet would calculate are shown as text."""

from __future__ import annotations

import pytest

from warehouse_admin.core.spreadsheets import harmless


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1＋1", "＠SUM(A1)"]
)  # noqa: RUF001
def test_what_starts_like_a_formula_is_marked(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "orders", "a = b", "'=1", "2026-01-01"])
def test_anything_else_stays(cell: str) -> None:
    assert harmless(cell) == cell
