"""Talking about lines: a form for a line, what is said in a thread, and suggestions taken in or declined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from warehouse_admin.changes import selectors, services, suggesting, talks, threads
from warehouse_admin.changes.models import ChangeRequest, Place, Revision, Thread, line_words
from warehouse_admin.changes.thread_form import ReplyForm, ThreadForm
from warehouse_admin.changes.threads import Said
from warehouse_admin.changes.views.actions import answer
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import DAMAGED, refused_status
from warehouse_admin.core import anchors
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page, wants_fragment

LONGEST_NUMBER = 7

Say = Callable[[ChangeRequest, Any, int, Said], Thread]


@require_http_methods(["GET", "POST"])
def line(request: HttpRequest, number: int, revision: int, side: str, line: int) -> HttpResponse:
    """A form for a new thread about this line, or several that begin with it; and the thread."""
    change = selectors.detail(number, signed_in(request))
    shown = selectors.revision(change, revision)
    text = threads.text_for(change, shown, side)
    if not 1 <= line <= anchors.count_of(text):
        raise Missing(f"There is no line {line} in this text.")
    place = (line, _last(request, line, text))
    if request.method == "GET":
        return _line_page(request, change, shown, side, place, _blank(text, side, place))
    if request.POST.get("do") == "lines":
        return _line_page(request, change, shown, side, place, _chosen_anew(request, text, side, place))
    return _open(request, change, shown, side, place)


@require_http_methods(["GET", "POST"])
def reply(request: HttpRequest, number: int, thread: int) -> HttpResponse:
    return _say(request, number, thread, services.reply_in_thread, "Your reply is in the thread.")


@require_http_methods(["GET", "POST"])
def resolve(request: HttpRequest, number: int, thread: int) -> HttpResponse:
    return _say(request, number, thread, services.resolve_thread, "The thread is resolved.")


@require_http_methods(["GET", "POST"])
def reopen(request: HttpRequest, number: int, thread: int) -> HttpResponse:
    return _say(request, number, thread, services.reopen_thread, "The thread is open again.")


@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, number: int) -> HttpResponse:
    """Take the ticked suggestions into one new revision."""
    return answer(
        request,
        number,
        None,
        "{change} has a new revision with what was suggested.",
        lambda change, form: services.accept_suggestions(
            change, signed_in(request), _keys(request), revision=form.cleaned_data["revision"] or 0
        ),
    )


@require_http_methods(["GET", "POST"])
def decline(request: HttpRequest, number: int, suggestion: int) -> HttpResponse:
    def do(change: ChangeRequest, form: Any) -> ChangeRequest:
        services.decline_suggestion(change, signed_in(request), suggestion)
        return change

    return answer(request, number, None, "The suggestion is declined; its thread stays open.", do)


def _last(request: HttpRequest, first: int, text: str) -> int:
    """The last line that is asked for, within the text and what a thread may be about."""
    wanted = request.POST.get("last") or request.GET.get("to") or ""
    if not wanted.isdecimal() or len(wanted) > LONGEST_NUMBER:
        return first
    return max(first, min(int(wanted), anchors.count_of(text), first + threads.MOST_LINES - 1))


def _blank(text: str, side: str, place: Place, **typed: str) -> ThreadForm:
    quoted = anchors.quote(text, place)
    start = {"last": place[1], "shown_last": place[1], **typed}
    return ThreadForm(initial=start, quoted=quoted, suggests=_suggests(side, quoted))


def _chosen_anew(request: HttpRequest, text: str, side: str, place: Place) -> ThreadForm:
    """The form for other lines, with what was typed."""
    before = _sent(request, text, side, place)
    kept = {"comment": request.POST.get("comment", "")}
    if before.is_valid() and before.suggested is not None or before.errors.get("suggestion"):
        kept["suggestion"] = request.POST.get("suggestion", "")
    return _blank(text, side, place, **kept)


def _sent(request: HttpRequest, text: str, side: str, place: Place) -> ThreadForm:
    """The form that was sent; what it suggests is compared with the lines that it showed."""
    shown = request.POST.get("shown_last", "")
    shown_last = int(shown) if shown.isdecimal() and len(shown) <= LONGEST_NUMBER else place[1]
    quoted = anchors.quote(text, (place[0], max(place[0], shown_last)))
    return ThreadForm(request.POST, quoted=quoted, suggests=_suggests(side, quoted))


def _suggests(side: str, quoted: str) -> bool:
    return side == Thread.Side.PROPOSAL and len(quoted) <= suggesting.LONGEST


def _open(request: HttpRequest, change: ChangeRequest, shown: Revision, side: str, place: Place) -> HttpResponse:
    text = threads.text_for(change, shown, side)
    form = _sent(request, text, side, place)
    if not form.is_valid():
        return _line_page(request, change, shown, side, place, form, status=422)
    said = Said(form.cleaned_data["comment"], form.suggested, form.cleaned_data["nonce"])
    try:
        thread = services.open_thread(change, signed_in(request), said, revision=shown.number, side=side, place=place)
    except NotPermitted:
        raise
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _line_page(request, change, shown, side, place, form, status=refused_status(error))
    if not wants_fragment(request):
        messages.success(request, f"Your comment stands under {thread.lines}.")
    return _told(request, change, thread.pk)


def _line_page(
    request: HttpRequest,
    change: ChangeRequest,
    shown: Revision,
    side: str,
    place: Place,
    form: ThreadForm,
    *,
    status: int = 200,
) -> HttpResponse:
    text = threads.text_for(change, shown, side)
    context = {
        "change": change,
        "shown": shown,
        "form": form,
        "place": place,
        "lines": line_words(*place, side),
        "quoted": anchors.quote(text, place),
        "count": anchors.count_of(text),
        "action": reverse("changes:line", args=[change.pk, shown.number, side, place[0]]),
    }
    return render_page(request, "changes/line.html", "changes/_line_form.html", context, status=status)


def _say(request: HttpRequest, number: int, key: int, say: Say, done: str) -> HttpResponse:
    change = selectors.detail(number, signed_in(request))
    thread = threads.thread_of(change, key)
    if request.method == "GET":
        return redirect(_address(change, key))
    form = ReplyForm(request.POST, quoted=thread.quoted, suggests=_suggests(thread.side, thread.quoted))
    if not form.is_valid():
        messages.error(request, DAMAGED)
        return _thread_page(request, change, key, form, status=422)
    said = Said(form.cleaned_data["comment"], form.suggested, form.cleaned_data["nonce"])
    try:
        say(change, signed_in(request), key, said)
    except NotPermitted:
        raise
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _thread_page(request, change, key, form, status=refused_status(error))
    if not wants_fragment(request):
        messages.success(request, done)
    return _told(request, change, key)


def _thread_page(
    request: HttpRequest, change: ChangeRequest, key: int, form: ReplyForm, *, status: int
) -> HttpResponse:
    """One thread with what was refused, and what was typed."""
    newest = selectors.revision(change)
    talk = talks.one_talk(change, signed_in(request), newest, key)
    context = {"change": change, "revision": newest, "about": talk, "reply": form}
    return render_page(request, "changes/thread.html", "changes/_thread.html", context, status=status)


def _told(request: HttpRequest, before: ChangeRequest, key: int) -> HttpResponse:
    """The thread as it stands now: in its place, or on the page of the change."""
    if not wants_fragment(request):
        return redirect(_address(before, key))
    change = selectors.detail(before.pk, signed_in(request))
    newest = selectors.revision(change)
    found = talks.talks(change, signed_in(request), newest)
    talk = next(each for each in found.every if each.thread.pk == key)
    context = {"change": change, "revision": newest, "about": talk, "talks": found}
    response = render(request, "changes/_thread_answer.html", context)
    if change.connection.threads_block and (change.state, _count(change)) != (before.state, _count(before)):
        response["HX-Refresh"] = "true"  # what stands in its way, or how far it came, is another now
    return response


def _count(change: ChangeRequest) -> int:
    return getattr(change, "unresolved", 0)


def _address(change: ChangeRequest, key: int) -> str:
    return f"{reverse('changes:detail', args=[change.pk])}#thread-{key}"


def _keys(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("suggestions")
    if not all(key.isdecimal() and len(key) < 19 for key in given):
        raise InvalidInput(DAMAGED, errors={"suggestions": [DAMAGED]})
    return [int(key) for key in given]
