"""One line for each thing that was measured against a target."""

from __future__ import annotations


def told(what: str, found: str, target: str, reached: bool) -> None:
    print(f"{what:32}{found:>24}   target: at most {target}   {'reached' if reached else 'MISSED'}", flush=True)
