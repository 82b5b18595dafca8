"""The pages of the trail. There is nothing to change here, only to read and to check."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.audit import policies, presenters, rows, saved_filters, sealing, selectors, services, tasks
from warehouse_admin.audit.models import Archive, AuditEntry, Checkpoint, SigningKey
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.core.states import look_of

VERIFY_AT_ONCE = 20_000
"""Up to so many entries a person can wait for the check; a longer chain is checked in the background."""
CHECKPOINTS_SHOWN = 50

NARROWING = ("object", "actor", "connection", "ip", "token", "request_id", "until")
KINDS = list(AuditEntry.ActorKind.choices)
RESULTS = [(value, look_of("audit", value).word) for value in AuditEntry.Result.values]


@require_GET
def entry_list(request: HttpRequest) -> HttpResponse:
    sees_all = policies.sees_all(request.user)
    found = selectors.search(selectors.entries_for(request.user, sees_all=sees_all), request.GET)
    way = selectors.way_of(request.GET, sees_all=sees_all)
    window = selectors.window(found, request.GET.get("page", ""), way=way)
    context: dict[str, Any] = {
        "window": window,
        "rows": rows.rows(window.entries, request.GET),
        "problems": found.problems,
        "filters": {name: request.GET.get(name, "") for name in selectors.FILTERS},
        "left_out": _left_out(request),
        "live": bool(request.GET.get("live")) and not request.GET.get("page"),
        "filtered": any(request.GET.get(name) for name in selectors.FILTERS),
        "narrowed": any(request.GET.get(name) for name in NARROWING),
        "results": RESULTS,
        "sees_all": sees_all,
        "hidden": selectors.hidden_count(request.user, found.length, sees_all=sees_all),
    }
    if not wants_fragment(request):
        known = selectors.choices() if sees_all else {}
        context |= {
            "verification": selectors.latest_verification(),
            "length": found.length,
            "known": known,
            "actors": presenters.suggestions(known.get("actors", [])),
            "connections_known": presenters.suggestions(known.get("connections", [])),
            "kinds": KINDS,
            "actions": presenters.action_options(request.GET.get("action", ""), known.get("actions", [])),
            "saved": list(saved_filters.filters_of(request.user, sees_all=sees_all)),
            "since_day": selectors.settled(request.GET).get("since", ""),
            "presets": presenters.date_presets(request.GET.get("since", "")),
        }
    return render_page(request, "audit/list.html", "audit/_table.html", context)


def _left_out(request: HttpRequest) -> list[dict[str, Any]]:
    """What the filters leave out, each with the address of the list that shows it too."""
    found = []
    for name, values in selectors.left_out(request.GET).items():
        query = request.GET.copy()
        for gone in (name, "page"):
            query.pop(gone, None)
        found.append({"name": name, "values": values, "url": f"?{query.urlencode()}"})
    return found


@require_GET
def entry_detail(request: HttpRequest, sequence: int) -> HttpResponse:
    sees_all = policies.sees_all(request.user)
    entries = selectors.entries_for(request.user, sees_all=sees_all)
    entry = entries.filter(sequence=sequence).first() if sequence < 2**63 else None
    if entry is None:
        raise Missing("There is no such entry, or it is not yours to read.")
    earlier, later = selectors.neighbours(entries, sequence)
    context = {
        "entry": entry,
        "fields": presenters.fields(entry),
        "remote": presenters.remote_facts(entry),
        "json": presenters.as_json(entry),
        "earlier": earlier,
        "later": later,
        "inline": wants_fragment(request),
        "change": selectors.change_of(entries, entry),
        "sees_all": sees_all,
    }
    return render_page(request, "audit/detail.html", "audit/_entry.html", context)


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    policies.require_sees_all(request.user, action="audit.verified")
    if selectors.chain_length() > VERIFY_AT_ONCE:
        tasks.verify_chain.delay(request.user.pk)
        messages.info(request, "The chain is being checked; the result appears here when it is done.")
        return redirect("audit:list")
    found = services.verify_and_record(actor=request.user)
    if found.bad_sequence is None:
        sealing.seal(found)
        messages.success(request, f"The trail is whole up to entry {found.to_sequence}.")
    else:
        messages.error(request, found.problem)
    return redirect("audit:list")


@require_GET
def checkpoint_list(request: HttpRequest) -> HttpResponse:
    policies.require_sees_all(request.user, action="audit.checkpoints_read")
    kept = Checkpoint.objects.order_by("-number")
    context = {
        "page": Paginator(kept, CHECKPOINTS_SHOWN).get_page(request.GET.get("page")),
        "keys": SigningKey.objects.order_by("-pk").defer("private_key"),
        "verification": selectors.latest_verification(),
        "length": selectors.chain_length(),
        "archives": Archive.objects.order_by("-number"),
    }
    return render(request, "audit/checkpoints.html", context)


@require_GET
def checkpoint_download(request: HttpRequest) -> HttpResponse:
    """Every checkpoint with the public keys, for auditors to keep elsewhere."""
    policies.require_sees_all(request.user, action="audit.checkpoints_read")
    services.record(actor=request.user, action="audit.checkpoints_downloaded", target=policies.TRAIL)
    answer = JsonResponse(selectors.all_checkpoints(), json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = 'attachment; filename="audit-checkpoints.json"'
    return answer
