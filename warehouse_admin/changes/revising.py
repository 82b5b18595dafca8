"""Editing a proposal: every save is a new revision, and a real edit voids the votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import keys, linting, policies, verdict
from warehouse_admin.changes.actions import FIELDS, Facts, Subject, action_of
from warehouse_admin.changes.actions.keys import KEYS
from warehouse_admin.changes.checks import check_proposal, field_at_fault
from warehouse_admin.changes.errors import StaleRevision
from warehouse_admin.changes.models import ChangeRequest, Draft, Revision
from warehouse_admin.changes.propose import ask_of, submit, submit_asked
from warehouse_admin.changes.remote_check import Answer
from warehouse_admin.changes.revisions import add_revision, told
from warehouse_admin.changes.transitions import State, current_revision, lock, note, record, require_state
from warehouse_admin.core.errors import InvalidInput


@dataclass(frozen=True)
class Suggested:
    """Whose suggestions an edit takes in, and the keys of those comments."""

    people: tuple[User, ...]
    keys: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        return [person.get_username() for person in self.people]

    @property
    def said(self) -> str:
        return f"Suggested by {' and '.join(person.display_name for person in self.people)}."


def revise(
    change: ChangeRequest,
    user: User,
    query: str | None = None,
    revision: int = 0,
    reason: str | None = None,
    *,
    draft: int = 0,
    suggested: Suggested | None = None,
    **more: Any,
) -> ChangeRequest:
    """Save an edited proposal as a new revision; a real edit voids the votes. `revision` is the one that was edited.

    Fields of the action that are not given stay as they are; `more` are those beside the query. `draft` is the version
    of the draft it was written in, which then goes. `suggested` says whose suggestions the edit is.
    """
    if unknown := more.keys() - FIELDS:
        raise TypeError(f"No action has the fields {', '.join(sorted(unknown))}.")
    change, proposal, wanted = _checked(change, user, _given(query=query, **more), reason)
    asked = ask_of(change, user, proposal) if change.state != State.DRAFT else None
    return _keep(change, user, proposal, wanted, revision=revision, draft=draft, asked=asked, suggested=suggested)


def _checked(change: ChangeRequest, user: User, values: Facts, reason: str | None) -> tuple[ChangeRequest, Facts, str]:
    """The change as it is now, and the proposal and reason that are wanted of it; refused where they are wrong."""
    change = ChangeRequest.objects.select_related("saved_query", "table", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.revised")
    values = {**current_revision(change).proposal} | values
    reason = change.reason if reason is None else reason
    keys.refuse_repeated({**values, "reason": reason}, entered=values.get(KEYS), change=change)
    proposal, wanted = check_proposal(
        action_of(change.action),
        change.connection,
        change.about,
        values,
        reason,
        reason_needed=change.state != State.DRAFT,
    )
    if change.state != State.DRAFT and change.rolls_back_id is None:
        action, writers = action_of(change.action), linting.writers(change, user)
        linting.refuse(action, change.connection, change.about, proposal, writers)
    return change, proposal, wanted


def _keep(
    change: ChangeRequest,
    user: User,
    proposal: Facts,
    wanted: str,
    *,
    revision: int,
    draft: int,
    asked: Answer | None,
    suggested: Suggested | None = None,
) -> ChangeRequest:
    """Write it down; `asked` is what PostHog said to the text, if it was asked."""
    action = action_of(change.action)
    with transaction.atomic():
        change = lock(change)
        require_state(change, "revise")
        latest = current_revision(change)
        refuse_stale(latest, revision)
        if proposal == latest.proposal and wanted == change.reason:
            raise InvalidInput(
                "Nothing was changed.", errors={field_at_fault(action): ["This is the proposal as it is."]}
            )
        subject = Subject(change.connection, change.object_name, latest.base, change.about)
        if proposal != latest.proposal and action.nothing_to_do(subject, proposal):
            text = "This is what PostHog held when you began. Withdraw the change if it is not wanted any more."
            raise InvalidInput(text, errors={field_at_fault(action): [text]})
        if action.has_sql:
            Draft.objects.of(user, change).used(proposal["query"], draft).delete()
        _save_reason(change, wanted)
        _follow_name(change, proposal)
        if proposal == latest.proposal:
            note(change, user, "reason_changed", wanted)
            record(change, user, "revised", reason=wanted, after={"revision": change.revision_number})
            return change
        _replace(change, user, latest, keys.sealed(change, proposal, user), asked, suggested)
    return change


def save_revision(
    change: ChangeRequest,
    user: User,
    values: Facts,
    *,
    revision: int,
    reason: str,
    submitting: bool,
    draft: int = 0,
) -> ChangeRequest:
    """What the page of a form does: revise, and submit a draft when that was asked for, also as it is."""
    current = current_revision(change)
    submitting = submitting and change.state == State.DRAFT
    if submitting and not reason.strip():
        raise InvalidInput("Say why.", errors={"reason": ["Say why: reviewers and the audit trail need a reason."]})
    unchanged = {**current.proposal, **values} == current.proposal and reason.strip() == change.reason
    if not submitting:
        return revise(change, user, revision=revision, reason=reason, draft=draft, **values)
    if unchanged:
        return submit(change, user)
    change, proposal, wanted = _checked(change, user, _given(**values), reason)
    asked = ask_of(change, user, proposal)
    with transaction.atomic():  # refused as one: a revision that was kept would make the page that sent it a stale one
        change = _keep(change, user, proposal, wanted, revision=revision, draft=draft, asked=asked)
        return submit_asked(change, user, asked)


def _given(**values: Any) -> Facts:
    return {name: value for name, value in values.items() if value is not None}


def _replace(
    change: ChangeRequest,
    user: User,
    latest: Revision,
    proposal: Facts,
    asked: Answer | None,
    suggested: Suggested | None,
) -> None:
    """A new revision in place of `latest`; approvals follow what it means, and may approve the change again."""
    suggesters = suggested.people if suggested else ()
    revision = add_revision(change, user, latest.base, proposal, asked=asked, suggesters=suggesters)
    did, said = ("suggestions_accepted", suggested.said) if suggested else ("revised", "")
    approved = False
    if change.state == State.DRAFT:
        note(change, user, did, said)
    else:
        approved = verdict.after_revision(change, user, latest, revision, did, said)
    kept = told(revision)
    if suggested:
        kept["after"] |= {"suggested_by": suggested.names, "suggestions": list(suggested.keys)}
    record(change, user, did, reason=change.reason, **kept)
    if approved:
        verdict.start(change, user)


def _save_reason(change: ChangeRequest, reason: str) -> None:
    if reason != change.reason:
        change.reason = reason
        change.save(update_fields=["reason"])


def _follow_name(change: ChangeRequest, proposal: Facts) -> None:
    """What is not made yet is called what it will be."""
    if change.about is None and change.object_name != proposal["name"]:
        change.object_name = proposal["name"]
        change.save(update_fields=["object_name"])


def refuse_stale(latest: Revision, seen: int) -> None:
    """Raise where somebody saved a newer revision than the one that was seen."""
    if seen != latest.number:
        raise StaleRevision(
            f"{latest.editor.display_name} saved r{latest.number} meanwhile, and this was written on r{seen}. "
            "Your text is kept: compare it with the newest revision, then save again."
        )
