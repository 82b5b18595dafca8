"""What people do with a change: each is one POST, and a GET that asks to confirm where no script runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import offers, policies, readiness, selectors, services
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.forms import VoteForm
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.recreated import gone
from warehouse_admin.changes.transitions import SPOKEN, require_state
from warehouse_admin.changes.views.detail import render_detail
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import DAMAGED
from warehouse_admin.core.errors import NotPermitted, UserError

Do = Callable[[ChangeRequest, VoteForm], ChangeRequest]


@dataclass(frozen=True)
class Question:
    """What the confirmation page asks, and the step (of `transitions.ALLOWED`) that it is about."""

    verb: str
    title: str
    text: str
    button: str
    comment: str = ""  # label of the comment; empty: none is asked for
    danger: bool = False
    whose: str = ""  # user name of whoever made the request for changes that it is about


def answer(request: HttpRequest, number: int, question: Question | None, done: str, do: Do) -> HttpResponse:
    """Carry a step out and lead back to the change. Without a question, only the page of the change can ask."""
    change = selectors.detail(number, signed_in(request))
    if request.method == "GET":
        return _ask(request, change, question) if question else redirect("changes:detail", number)
    form = VoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, DAMAGED)
        return redirect("changes:detail", number)
    try:
        result = do(change, form)
    except NotPermitted:
        raise
    except UserError as error:
        if request.htmx:  # type: ignore[attr-defined]
            raise
        change = selectors.detail(number, signed_in(request))
        return render_detail(request, change, problem=error, comment=form.cleaned_data["comment"])
    messages.success(request, done.format(change=result) + _moved(change, result))
    return redirect("changes:detail", result.pk)


def _ask(request: HttpRequest, change: ChangeRequest, question: Question) -> HttpResponse:
    """Nobody is asked about what they cannot do, or not any more: the link leads to the change, which says why."""
    try:
        require_state(change, question.verb)
        _require_offered(change, signed_in(request), question)
    except StateForbids as refusal:
        return render_detail(request, change, problem=refusal)
    return render(request, "changes/confirm.html", {"change": change, "question": question, "action": request.path})


def _require_offered(change: ChangeRequest, user: User, question: Question) -> None:
    can = offers.actions(change, user, selectors.revision(change))
    if question.verb == "dismiss":
        offered = question.whose in can.dismiss
    elif question.verb in ("drop", "rebase"):
        offered = policies.is_writer(user, change)
    else:
        offered = bool(getattr(can, question.verb))
    if not offered:
        verb = SPOKEN[question.verb]
        raise StateForbids(f"#{change.pk} cannot be {verb} by you as it stands. Its page says who can do what now.")


def _moved(before: ChangeRequest, after: ChangeRequest) -> str:
    """Where it stands now, in the word of its badge, if that is news."""
    if before.pk != after.pk or before.state == after.state:
        return ""
    return f" It now stands at “{readiness.badge(after)['word']}”."


@require_http_methods(["GET", "POST"])
def submit(request: HttpRequest, number: int) -> HttpResponse:
    question = Question(
        "submit", "Submit for review", "Reviewers will be asked to decide about it.", "Submit for review"
    )
    return answer(
        request,
        number,
        question,
        "{change} waits for review.",
        lambda change, form: services.submit(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def approve(request: HttpRequest, number: int) -> HttpResponse:
    return answer(request, number, None, "You approved {change}.", _voting(request, services.approve))


@require_http_methods(["GET", "POST"])
def request_changes(request: HttpRequest, number: int) -> HttpResponse:
    done = "You asked for changes to {change}."
    return answer(request, number, None, done, _voting(request, services.request_changes))


def _voting(request: HttpRequest, vote: Callable[..., ChangeRequest]) -> Do:
    """A vote is for what was shown: a form that does not say what that was is for nothing."""

    def do(change: ChangeRequest, form: VoteForm) -> ChangeRequest:
        seen = form.cleaned_data
        shown = {"revision": seen["revision"] or 0, "digest": seen["digest"]}
        return vote(change, signed_in(request), seen["comment"], **shown)

    return do


@require_http_methods(["GET", "POST"])
def reject(request: HttpRequest, number: int) -> HttpResponse:
    text = "It is closed; only its author can open it again, as a draft without votes."
    question = Question("reject", "Reject", text, "Reject", "Why?", danger=True)
    return answer(
        request,
        number,
        question,
        "You rejected {change}.",
        lambda change, form: services.reject(change, signed_in(request), form.cleaned_data["comment"]),
    )


@require_http_methods(["GET", "POST"])
def comment(request: HttpRequest, number: int) -> HttpResponse:
    return answer(
        request,
        number,
        None,
        "Your comment on {change} is on the timeline.",
        lambda change, form: services.comment(change, signed_in(request), form.cleaned_data["comment"]),
    )


@require_http_methods(["GET", "POST"])
def re_request(request: HttpRequest, number: int) -> HttpResponse:
    text = "It goes back to review as it is. What was asked for still stands in the way until its author votes again."
    question = Question("re_request", "Ask for another look", text, "Ask again", "What to look at")
    return answer(
        request,
        number,
        question,
        "The reviewers of {change} are asked to look again.",
        lambda change, form: services.re_request(change, signed_in(request), form.cleaned_data["comment"]),
    )


@require_http_methods(["GET", "POST"])
def dismiss(request: HttpRequest, number: int, voter: str) -> HttpResponse:
    person = get_object_or_404(User, username=voter)
    if person == signed_in(request):
        text = "You no longer ask for changes. Where that was all that stood in the way, the change is approved by it."
        question = Question("dismiss", "Take back your request on", text, "Take it back", "Comment", whose=voter)
    else:
        text = (
            f"What {person.display_name} asked for no longer stands in the way. "
            "Where that was all, the change is approved by it."
        )
        title = "Dismiss the request for changes to"
        question = Question("dismiss", title, text, "Dismiss it", "Why?", danger=True, whose=voter)
    return answer(
        request,
        number,
        question,
        "One request for changes to {change} less.",
        lambda change, form: services.dismiss(change, signed_in(request), person, form.cleaned_data["comment"]),
    )


@require_http_methods(["GET", "POST"])
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    text = "It becomes a draft of yours again. Votes from before do not count any more."
    question = Question("reopen", "Open again", text, "Open again")
    return answer(
        request,
        number,
        question,
        "{change} is a draft again.",
        lambda change, form: services.reopen(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def unschedule(request: HttpRequest, number: int) -> HttpResponse:
    text = "It stays approved and waits for an operator to apply it or to give it another time."
    question = Question("unschedule", "Take off the schedule", text, "Take off the schedule")
    return answer(
        request,
        number,
        question,
        "{change} has no time any more.",
        lambda change, form: services.unschedule(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    question = Question(
        "withdraw", "Withdraw", "It is closed; nothing of it is applied.", "Withdraw", "Why?", danger=True
    )
    return answer(
        request,
        number,
        question,
        "{change} is withdrawn.",
        lambda change, form: services.withdraw(change, signed_in(request), form.cleaned_data["comment"]),
    )


@require_http_methods(["GET", "POST"])
def drop(request: HttpRequest, number: int) -> HttpResponse:
    text = "The change is closed, and what PostHog holds stays as it is."
    question = Question("drop", "Give up", text, "Give way to theirs", danger=True)
    return answer(
        request,
        number,
        question,
        "{change} is closed; what PostHog holds stays.",
        lambda change, form: services.drop_mine(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def carry_over(request: HttpRequest, number: int) -> HttpResponse:
    text = "A new change proposes the same text for the view that came instead, and this one is closed."
    question = Question("carry_over", "Carry over", text, "Carry it over")
    return answer(
        request,
        number,
        question,
        "{change} proposes the same for the new view.",
        lambda change, form: services.carry_over(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest, number: int) -> HttpResponse:
    text = action_of(selectors.detail(number, signed_in(request)).action).looks_first
    question = Question("apply", "Apply to PostHog", text, "Apply")
    return answer(
        request,
        number,
        question,
        "{change} is being applied.",
        lambda change, form: services.apply(change, signed_in(request)),
    )


def rebase_settings(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """Without SQL there is nothing to bring together: the same wish, on top of what PostHog holds now."""
    if change.table is not None and change.table.deleted_at is not None:
        messages.warning(request, f"{change.table.name} was deleted in PostHog. Withdraw {change}.")
        return redirect("changes:detail", change.pk)
    if change.saved_query is not None and change.saved_query.deleted_at is not None:
        messages.warning(request, f"{gone(change.saved_query).text} Withdraw {change}, or carry it over.")
        return redirect("changes:detail", change.pk)
    text = "It is proposed again on top of what PostHog holds now, and reviewed anew."
    if change.state == ChangeRequest.State.NEEDS_REBASE:
        text = f"{change.problem} {text}"
    return answer(
        request,
        change.pk,
        Question("rebase", "Rebase", text, "Rebase and ask for review"),
        "{change} waits for review on what PostHog holds now.",
        lambda change, form: services.rebase(change, signed_in(request)),
    )


@require_http_methods(["GET", "POST"])
def rollback(request: HttpRequest, number: int) -> HttpResponse:
    change = selectors.detail(number, signed_in(request))
    inverse = services.inverse(change)
    if inverse.impossible and request.method == "GET":
        return render_detail(request, change, problem=StateForbids(inverse.impossible))
    lost = " ".join(inverse.lost)
    text = "A new change proposes what was there before; it is reviewed like any other."
    if lost:
        text = f"{text} Not restored: {lost}"
    question = Question("rollback", "Roll back", text, "Propose the rollback", "Why?")
    return answer(
        request,
        number,
        question,
        "{change} proposes what was there before.",
        lambda change, form: services.rollback(change, signed_in(request), form.cleaned_data["comment"]),
    )
