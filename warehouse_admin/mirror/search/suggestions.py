"""What is offered while somebody types: operators first, then the values of the operator at hand."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse_admin.mirror.search.language import LONGEST, last_piece, quoted
from warehouse_admin.mirror.search.operators import Asked, Operator

MOST = 10


@dataclass(frozen=True)
class Suggestion:
    """`text` takes the place of the last part of what was typed, `kept` characters before it stay."""

    text: str
    label: str
    hint: str
    kept: int


def suggestions(typed: str, operators: dict[str, Operator], asked: Asked) -> list[Suggestion]:
    """For what stands before the cursor; nothing for a text between quotes, which is taken as it is."""
    typed = typed[:LONGEST]
    piece = last_piece(typed)
    kept = len(typed) - len(piece)
    minus = "-" if piece.startswith("-") and len(piece) > 1 else ""
    body = piece.removeprefix("-") if minus or piece == "-" else piece
    if piece == "-":
        minus = "-"
    name, colon, value = body.partition(":")
    if colon and (operator := operators.get(name.lower())):
        offers = operator.offers(value.strip('"'), asked)[:MOST]
        return [
            Suggestion(f"{minus}{operator.name}:{quoted(offer.value)} ", offer.value, offer.hint, kept)
            for offer in offers
            if offer.value != value
        ]
    if colon or body.startswith('"'):
        return []
    fitting = [operator for operator in operators.values() if operator.name.startswith(body.lower())]
    return [Suggestion(f"{minus}{one.name}:", f"{minus}{one.name}:", one.meaning, kept) for one in fitting]
