"""Writing a proposal: create, submit, revise, rebase."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import policies, texts, verdict
from warehouse_admin.changes.errors import BaseMoved, StaleRevision, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.transitions import (
    State,
    current_revision,
    lock,
    move,
    note,
    record,
    require_state,
    supersede,
)
from warehouse_admin.changes.votes import ONE_REVIEWER
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, Unavailable, UserError
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors as remote_errors
from warehouse_admin.posthog import types

LONGEST_REASON = 5_000
UNCHANGED = "This is the text that PostHog holds already. Change it before you propose it."


def create(
    *,
    author: User,
    saved_query: SavedQuery,
    query: str,
    reason: str = "",
    submit: bool = False,
    action: str = ChangeRequest.Action.EDIT_QUERY,
    base: str | None = None,
    nonce: str = "",
    rolls_back: ChangeRequest | None = None,
) -> ChangeRequest:
    """Propose new SQL for a view against what PostHog holds now; one change for each `nonce` of a person.

    `base` is the digest of the SQL the person started from: BaseMoved if PostHog holds another by now.
    """
    view = Target("saved_query", str(saved_query.posthog_id), saved_query.name)
    policies.require_propose(author, action="change.created", target=view)
    if nonce and (known := ChangeRequest.objects.filter(author=author, nonce=nonce).first()):
        return known
    if action not in ChangeRequest.Action.values:
        raise InvalidInput(
            "This action is not offered.", errors={"action": [f"Use one of {ChangeRequest.Action.values}."]}
        )
    refuse_closed_view(saved_query)
    reason = check_proposal(query, reason, reason_needed=submit)
    live, read_at = read_live(saved_query)
    held = live.hogql or ""
    if base is not None and base != text_digest(held):
        raise BaseMoved(held)
    if query == held:
        raise InvalidInput(UNCHANGED, errors={"query": [UNCHANGED]})
    with transaction.atomic():
        change, made = _insert(author, saved_query, reason, submit, action, nonce, rolls_back)
        if made:
            revision = add_revision(change, author, mutations.snapshot(live, read_at), query)
            _tell_creation(change, author, revision, submit)
    return change


def submit(change: ChangeRequest, user: User) -> ChangeRequest:
    """Hand a draft to the reviewers."""
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.submitted")
        require_state(change, "submit")
        if not change.reason.strip():
            raise InvalidInput("Say why first.", errors={"reason": ["A reason is needed to submit a change."]})
        move(change, State.IN_REVIEW, submitted_at=timezone.now())
        note(change, user, "submitted")
        record(change, user, "submitted", reason=change.reason)
    return change


def revise(change: ChangeRequest, user: User, query: str, revision: int, reason: str | None = None) -> ChangeRequest:
    """Save an edited proposal as a new revision; a real edit voids the votes. `revision` is the one that was edited."""
    change = ChangeRequest.objects.select_related("saved_query", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.revised")
    wanted = check_proposal(
        query, change.reason if reason is None else reason, reason_needed=change.state != State.DRAFT
    )
    with transaction.atomic():
        change = lock(change)
        require_state(change, "revise")
        latest = current_revision(change)
        _refuse_stale(change, latest, revision)
        held = latest.base.get("query") or ""
        if query == latest.proposal["query"] and wanted == change.reason:
            raise InvalidInput("Nothing was changed.", errors={"query": ["This is the proposal as it is."]})
        if query == held:
            text = (
                "This is the text that PostHog held when you began. Withdraw the change if it is not wanted any more."
            )
            raise InvalidInput(text, errors={"query": [text]})
        _save_reason(change, wanted)
        if query == latest.proposal["query"]:
            note(change, user, "reason_changed", wanted)
            record(change, user, "revised", reason=wanted, after={"revision": change.revision_number})
            return change
        _replace(change, user, latest, latest.base, query)
    return change


def rebase(change: ChangeRequest, user: User, query: str, shown: str | None = None) -> ChangeRequest:
    """Put the proposal, edited to fit, on top of what PostHog holds now. Closes the change if that is it already.

    `shown` is the digest of the SQL it was fitted to: BaseMoved if PostHog holds another by now.
    """
    change = ChangeRequest.objects.select_related("saved_query", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.rebased")
    require_state(change, "rebase")
    check_proposal(query, change.reason, reason_needed=False)
    live, read_at = read_live(change.saved_query)
    base = mutations.snapshot(live, read_at)
    if shown is not None and shown != text_digest(live.hogql or ""):
        raise BaseMoved(live.hogql or "")
    with transaction.atomic():
        change = lock(change)
        require_state(change, "rebase")
        if query == (live.hogql or ""):
            supersede(change, user)
            return change
        latest = current_revision(change)
        if base["query"] == latest.base.get("query") and change.state != State.NEEDS_REBASE:
            raise StateForbids("PostHog still holds the text this is based on; edit the proposal instead.")
        revision = add_revision(change, user, base, query)
        approved = verdict.after_revision(change, user, latest, revision, "rebased")
        record(change, user, "rebased", reason=change.reason, **_told(revision))
        if approved:
            verdict.start(change, user)
    return change


def check_proposal(query: str, reason: str, *, reason_needed: bool) -> str:
    """The clean reason; raises InvalidInput naming every field that is wrong, the query's errors with their place."""
    problems: dict[str, list[str]] = {}
    found = [problem for problem in check_view_sql(query) if problem.level == "error"]
    if found:
        problems["query"] = [_placed(problem.message, problem.line, problem.column) for problem in found]
    reason = texts.storable(reason)
    if reason_needed and not reason:
        problems["reason"] = ["Say why: reviewers and the audit trail need a reason."]
    elif len(reason) > LONGEST_REASON:
        problems["reason"] = [f"At most {LONGEST_REASON:,} characters, please."]
    if problems:
        raise InvalidInput(next(iter(problems.values()))[0], errors=problems)
    return reason


def _placed(message: str, line: int, column: int) -> str:
    return message if f"line {line}" in message else f"Line {line}, column {column}: {message}"


def refuse_closed_view(saved_query: SavedQuery) -> None:
    """Raise for views that nobody can edit: gone, or managed by PostHog."""
    why = ""
    if saved_query.deleted_at is not None:
        why = f"{saved_query.name} was deleted in PostHog, so it cannot be edited."
    elif saved_query.is_managed:
        why = f"{saved_query.name} is managed by PostHog, which refuses every edit of it."
    if why:
        raise UserError(why, blockers=[{"text": why, "kind": "fix", "who": "PostHog"}])


def read_live(saved_query: SavedQuery) -> tuple[types.SavedQuery, datetime]:
    """What PostHog holds now, and when it was asked; a sentence that says the text is kept when it cannot be read."""
    read_at = timezone.now()
    try:
        live = mirror.read_live(saved_query, purpose="interactive", timeout=10)
    except remote_errors.NotFound as error:
        if error.object_missing:
            raise UserError(
                f"{saved_query.name} no longer exists in PostHog. Your text is kept on this page."
            ) from error
        raise _unavailable(error) from error
    except remote_errors.PostHogError as error:
        raise _unavailable(error) from error
    if live.is_managed:
        raise UserError(f"{saved_query.name} is managed by PostHog, which refuses every edit of it.")
    return live, read_at


def _unavailable(error: remote_errors.PostHogError) -> Unavailable:
    return Unavailable(_unread(error), retry_after=getattr(error, "retry_after", None))


def _unread(error: remote_errors.PostHogError) -> str:
    if isinstance(error, remote_errors.RateLimited):
        wait = f"in {ceil(error.retry_after)} seconds" if error.retry_after else "in a minute"
        return (
            f"PostHog's rate limit is used up, so its current text was not read. Your text is kept: try again {wait}."
        )
    return (
        f"The current text could not be read from PostHog. {sentence(error)} Your text is kept: try again in a moment."
    )


def _insert(
    author: User,
    saved_query: SavedQuery,
    reason: str,
    submitted: bool,
    action: str,
    nonce: str,
    rolls_back: ChangeRequest | None,
) -> tuple[ChangeRequest, bool]:
    now = timezone.now()
    values = {
        "connection": saved_query.connection,
        "saved_query": saved_query,
        "action": action,
        "reason": reason,
        "state": State.IN_REVIEW if submitted else State.DRAFT,
        "submitted_at": now if submitted else None,
        "state_changed_at": now,
        "rolls_back": rolls_back,
    }
    if not nonce:
        return ChangeRequest.objects.create(author=author, **values), True
    # A double click that got this far meets the unique constraint; then the first one's change is the answer.
    return ChangeRequest.objects.get_or_create(author=author, nonce=nonce, defaults=values)


def _tell_creation(change: ChangeRequest, author: User, revision: Revision, submitted: bool) -> None:
    note(change, author, "created")
    if submitted:
        note(change, author, "submitted")
    record(change, author, "created", reason=change.reason, **_told(revision))
    if submitted:
        record(change, author, "submitted", reason=change.reason)


def add_revision(change: ChangeRequest, editor: User, base: dict, query: str) -> Revision:
    """The next numbered snapshot of a locked change."""
    last = change.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    held = base.get("query") or ""
    kept = {name: base.get(name) for name in ("name", "query", "latest_history_id", "fetched_at")}
    revision = Revision.objects.create(
        change=change,
        number=last + 1,
        editor=editor,
        base=kept,
        proposal={"query": query},
        digest=texts.digest(held, query),
        meaning_digest=texts.meaning_digest(held, query),
        requirements=ONE_REVIEWER,
    )
    if change.revision_number != revision.number:
        change.revision_number = revision.number
        change.save(update_fields=["revision_number"])
    return revision


def _replace(change: ChangeRequest, user: User, latest: Revision, base: dict, query: str) -> None:
    """A new revision in place of `latest`; approvals follow what it means, and may approve the change again."""
    revision = add_revision(change, user, base, query)
    approved = False
    if change.state == State.DRAFT:
        note(change, user, "revised")
    else:
        approved = verdict.after_revision(change, user, latest, revision, "revised")
    record(change, user, "revised", reason=change.reason, **_told(revision))
    if approved:
        verdict.start(change, user)


def _save_reason(change: ChangeRequest, reason: str) -> None:
    if reason != change.reason:
        change.reason = reason
        change.save(update_fields=["reason"])


def _refuse_stale(change: ChangeRequest, latest: Revision, seen: int) -> None:
    if seen != latest.number:
        raise StaleRevision(
            f"{latest.editor} saved r{latest.number} meanwhile, and this was written on r{seen}. Your text is kept: "
            "compare it with the newest revision, then save again."
        )


def _told(revision: Revision) -> dict:
    """What the audit trail keeps of a revision."""
    kept = {"revision": revision.number, "digest": revision.digest}
    return {"before": {"query": revision.base.get("query")}, "after": {**kept, "query": revision.proposal["query"]}}
