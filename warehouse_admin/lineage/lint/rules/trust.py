"""What people say of the sources that a query reads."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


class DeprecatedSource(Rule):
    id = "deprecated-source"
    title = "A source that is deprecated"
    why = (
        "Somebody who knows the source has asked that nobody builds on it any more. What reads it now has to be moved "
        "before it goes; what begins to read it makes that harder."
    )
    bad = "SELECT order_id, amount\nFROM stg_orders_old  -- deprecated: counts refunds twice"
    good = "SELECT order_id, amount\nFROM stg_orders"
    limits = "It looks at what the query itself reads, not at what stands behind that."

    def look(self, subject: Subject) -> Iterable[Found]:
        for name, place in subject.sources.items():
            trust = subject.trust.get(name)
            if trust is not None and trust.state == "deprecated":
                instead = f" Read {trust.instead} instead." if trust.instead else ""
                yield Found(place, f"{name} is deprecated: {_sentence(trust.why)}{instead}")


class UncertifiedSource(Rule):
    id = "uncertified-source"
    title = "A certified view that reads what nobody vouches for"
    level = Level.NOTE
    why = (
        "Whoever certifies a view vouches for its SQL. That is worth as much as what the SQL reads: a source that was "
        "never certified, or whose certification was suspended, can change what the view shows."
    )
    bad = "-- the view mart_revenue is certified, int_payments is not\nSELECT sum(amount) AS revenue FROM int_payments"
    good = "-- both are certified\nSELECT sum(amount) AS revenue FROM int_payments"
    limits = (
        "It speaks of views that are certified themselves, and of views and tables that they read directly; of "
        "deprecated sources another rule does."
    )

    def look(self, subject: Subject) -> Iterable[Found]:
        if subject.view is None:
            return
        own = subject.trust.get(subject.view.name)
        if own is None or own.state != "certified":
            return
        for name, place in subject.sources.items():
            trust = subject.trust.get(name)
            if trust is None:
                yield Found(place, f"{name} is not certified, and this view is.")
            elif trust.state == "suspended":
                yield Found(place, f"The certification of {name} is suspended: {_sentence(trust.why)}")
