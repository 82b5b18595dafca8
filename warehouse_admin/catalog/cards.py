"""What the page of a view or table shows of owners and tags."""

from __future__ import annotations

from typing import Any

from warehouse_admin.catalog import policies, selectors
from warehouse_admin.catalog.forms import DescribeForm
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

OFFER = hooks.BulkAct("Owner and tags", "people", "catalog:describe-many")
ROUTES = {"saved_query": "catalog:describe-view", "table": "catalog:describe-table"}


def card(user: Any, subject: SavedQuery | WarehouseTable, form: DescribeForm | None = None) -> dict[str, Any]:
    """The context of `catalog/_card.html`; `form` is the one that was sent and could not be used."""
    said = selectors.description_of(subject)
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


def bulk_acts(user: Any) -> list[hooks.BulkAct]:
    """What may be done with several views at once."""
    return [OFFER] if policies.may_describe(user) else []
