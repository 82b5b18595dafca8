"""What the page of a view or table shows of owners, tags and trust."""

from __future__ import annotations

from typing import Any

from warehouse_admin.catalog import policies, selectors, trusting
from warehouse_admin.catalog.forms import DescribeForm
from warehouse_admin.catalog.models import Trust
from warehouse_admin.catalog.trust_forms import CertifyForm, DeprecateForm, TakeBackForm
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

OFFER = hooks.BulkAct("Owner and tags", "people", "catalog:describe-many")
TRUST_ROUTES = {"saved_query": "catalog:trust-view", "table": "catalog:trust-table"}
ROUTES = {"saved_query": "catalog:describe-view", "table": "catalog:describe-table"}


def cards(user: Any, subject: SavedQuery | WarehouseTable) -> list[dict[str, Any]]:
    """All that is said of it; one query."""
    said, trust = selectors.said_of(subject)
    return [_card(user, subject, said), _trust_card(user, subject, trust)]


def card(user: Any, subject: SavedQuery | WarehouseTable, form: DescribeForm | None = None) -> dict[str, Any]:
    """The context of `catalog/_card.html`; `form` is the one that was sent and could not be used."""
    return _card(user, subject, selectors.said_of(subject)[0], form)


def _card(
    user: Any, subject: SavedQuery | WarehouseTable, said: hooks.Description, form: DescribeForm | None = None
) -> dict[str, Any]:
    may = policies.may_describe(user)
    if may and form is None:
        form = DescribeForm(initial={"owner": said.owner, "tags": ", ".join(said.tags)}, owner=said.owner)
    return {
        "template": "catalog/_card.html",
        "subject": subject,
        "route": ROUTES[selectors.kind_of(subject)],
        "is_view": isinstance(subject, SavedQuery),
        "said": said,
        "form": form if may else None,
        "refusal": "" if may else f"{policies.who_may()} set owners and tags.",
    }


def trust_card(user: Any, subject: SavedQuery | WarehouseTable, sent: Any = None) -> dict[str, Any]:
    """The context of `catalog/_trust.html`; `sent` is the form that was sent and could not be used."""
    return _trust_card(user, subject, selectors.said_of(subject)[1], sent)


def _trust_card(
    user: Any, subject: SavedQuery | WarehouseTable, trust: Trust | None, sent: Any = None
) -> dict[str, Any]:
    may, state = policies.may_certify(user), trust.state if trust else ""
    card: dict[str, Any] = {
        "template": "catalog/_trust.html",
        "subject": subject,
        "route": TRUST_ROUTES[selectors.kind_of(subject)],
        "trust": trust,
        "forms": [],
        "refusal": "" if may else f"{policies.who_certifies()} certify and deprecate, signed in as themselves.",
        "pill": ("trust", state, (trust.why_suspended or trust.note) if trust else "") if state else None,
    }
    if may:
        kinds = [CertifyForm, DeprecateForm, *([TakeBackForm] if trust else [])]
        known = {"seen": trusting.fingerprint(subject), "until": trust.until if trust else None}
        card["forms"] = [sent if isinstance(sent, kind) else kind(initial=known) for kind in kinds]
    return card


def bulk_acts(user: Any) -> list[hooks.BulkAct]:
    """What may be done with several views at once."""
    return [OFFER] if policies.may_describe(user) else []
