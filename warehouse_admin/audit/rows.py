"""The rows of the log as its table shows them: all that is the same for every row is made once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

from django.http import QueryDict
from django.urls import reverse

from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.formatting import truncate_middle

NAME, REASON, HINT, REQUEST = 36, 80, 300, 8
"""Characters that are shown of an object's name, of a reason in its cell and on hover, and of a request's id."""
FILTERED = ("actor", "action", "object", "result")


def rows(entries: Iterable[AuditEntry], params: QueryDict) -> list[dict[str, Any]]:
    """Each entry in texts, with the addresses of the list that shows only what is like it."""
    base = reverse("audit:list")
    like = {name: f"{base}?{_without(params, name)}{name}=" for name in FILTERED}
    request_url = f"{base}?request_id="
    return [_row(entry, f"{base}{entry.sequence}/", like, request_url) for entry in entries]


def _row(entry: Any, url: str, like: dict[str, str], request_url: str) -> dict[str, Any]:
    about = entry.object_name or entry.object_id
    return {
        "number": str(entry.sequence),
        "url": url,
        "at": entry.at,
        "actor": entry.actor_name,
        "actor_url": like["actor"] + quote_plus(entry.actor_name),
        "token": entry.token_name,
        "action": entry.action,
        "action_url": like["action"] + quote_plus(entry.action),
        "object": truncate_middle(about, NAME) if about else "",
        "object_url": like["object"] + quote_plus(entry.object_id or entry.object_name),
        "object_hint": f"{entry.object_type} {entry.object_id}",
        "result": entry.result,
        "result_url": like["result"] + quote_plus(entry.result),
        "sent": _sent(entry),
        "sent_hint": _sent_hint(entry),
        "reason": _cut(entry.reason, REASON),
        "reason_hint": _cut(entry.reason, HINT),
        "request": entry.request_id[:REQUEST],
        "request_url": request_url + quote_plus(entry.request_id),
    }


def _sent(entry: Any) -> str:
    took = f"{entry.took} ms" if entry.took else ""
    return " ".join(str(part) for part in (entry.sent, entry.answered, took) if part) if entry.sent else ""


def _sent_hint(entry: Any) -> str:
    answer, took = ", its answer" if entry.answered else "", " and how long that took" if entry.took else ""
    return f"What was sent to PostHog{answer}{took}" if entry.sent else ""


def _without(params: QueryDict, name: str) -> str:
    """The address as it is, but for one filter and the page."""
    kept = params.copy()
    for gone in (name, "page"):
        kept.pop(gone, None)
    query = kept.urlencode()
    return f"{query}&" if query else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
