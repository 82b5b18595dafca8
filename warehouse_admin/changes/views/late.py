"""What answers a form of the conflict page that was made for a revision which is not the newest any more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from warehouse_admin.changes import selectors, texts
from warehouse_admin.changes.forms import ProposalForm
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.rebase import carried_over_already
from warehouse_admin.changes.transitions import ALLOWED
from warehouse_admin.core.htmx import wants_fragment


def page(request: HttpRequest, change: ChangeRequest, seen: Revision, text: str) -> HttpResponse:
    """That it was done already, by whom, and as which revision; `text`, what was put together here, is not lost."""
    newest = selectors.revision(change)
    saved = f"{newest.editor.display_name} has saved r{newest.number} of {change} meanwhile."
    done = carried_over_already(change, seen.number) or saved
    if text == newest.proposal["query"] and not wants_fragment(request):
        messages.info(request, f"{done} It is the text that you had here, so nothing was saved again.")
        return redirect("changes:detail", change.pk)
    context = {"change": change, "seen": seen, "newest": newest, "done": done, "text": text}
    if wants_fragment(request):
        return render(request, "changes/_late.html", context)
    if change.state in ALLOWED["revise"]:
        start = {"query": text, "revision": newest.number, "reason": change.reason}
        context["form"] = ProposalForm(initial=start)
        context["newlines"] = "windows" if texts.uses_crlf(text) else "unix"
    return render(request, "changes/late.html", context, status=409)
