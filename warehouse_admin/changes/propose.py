"""Writing a proposal and handing it to the reviewers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import keys, linting, live, moves, policies, remote_check, selectors, texts
from warehouse_admin.changes.actions import FIELDS, Action, Facts, Mirrored, Subject, action_of
from warehouse_admin.changes.actions.keys import KEYS
from warehouse_admin.changes.checks import (
    check_proposal,
    connection_of,
    known_action,
    object_of,
    refuse_hopeless,
    refuse_idle,
    refuse_keyless,
    refuse_unoffered,
)
from warehouse_admin.changes.errors import BaseMoved, SentAlready, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Draft, Revision
from warehouse_admin.changes.remote_check import Answer
from warehouse_admin.changes.revisions import add_revision, check, told
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.unseen import is_blank
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mutations import services as mutations


def create(
    *,
    author: User,
    action: str = ChangeRequest.Action.EDIT_QUERY,
    saved_query: SavedQuery | None = None,
    table: WarehouseTable | None = None,
    connection: Connection | None = None,
    reason: str = "",
    submit: bool = False,
    base: str | None = None,
    nonce: str = "",
    rolls_back: ChangeRequest | None = None,
    suggesters: Iterable[User] = (),
    draft: int = 0,
    **values: Any,
) -> ChangeRequest:
    """Propose an action on a view or table, or with a `connection` a new one; one change for each `nonce` of a person.

    `values` are the fields of the action: `query`, `name`, `sync_frequency`, …; one that is None counts as not given.

    It is written against what PostHog holds now. `base` is the digest (`Action.seen`) of what the person started from:
    BaseMoved if PostHog holds something else by now. `draft` is the version of the draft it was written in, which then
    goes. `suggesters` are the people whose suggestions it holds.
    """
    if unknown := values.keys() - FIELDS:
        raise TypeError(f"No action has the fields {', '.join(sorted(unknown))}.")
    wanted = known_action(action)
    target = target_of(saved_query or table, wanted, values.get("name"))
    policies.require_propose(author, action="change.created", target=target)
    if nonce and (known := ChangeRequest.objects.filter(author=author, nonce=nonce).first()):
        _refuse_other(known, values, reason)
        return known
    about = object_of(wanted, saved_query, table)
    connection = connection_of(about, connection)
    if about is not None:
        live.refuse_closed(about)
    keys.refuse_repeated({**values, "reason": reason}, entered=values.get(KEYS))
    proposal, reason = check_proposal(wanted, connection, about, values, reason, reason_needed=submit)
    if submit and rolls_back is None:
        linting.refuse(wanted, connection, about, proposal, {author.pk})
    refuse_unoffered(wanted, connection)
    subject = live.read_subject(about) if about else live.read_new(connection, wanted, proposal["name"])
    if base is not None and base != wanted.seen(subject.base):
        through = moves.meanwhile(about, wanted, base, subject.base) if about else ""
        raise BaseMoved(subject.base, through)
    refuse_idle(wanted, subject, proposal)
    if submit:
        refuse_hopeless(wanted, subject, proposal)
        refuse_keyless(connection, author)
    asked = ask(author, connection, wanted, proposal) if submit else None
    with transaction.atomic():
        change, made = _insert(author, wanted, subject, reason, submit, nonce, rolls_back)
        if wanted.has_sql:
            Draft.objects.of(author, saved_query or connection).used(proposal["query"], draft).delete()
        if made:
            sealed = keys.sealed(change, proposal, author)
            revision = add_revision(change, author, subject.base, sealed, asked=asked, suggesters=suggesters)
            _tell_creation(change, author, revision, submit)
    return change


def cadence_change(author: User, saved_query: SavedQuery, cadence: str, reason: str, nonce: str) -> int:
    """Propose another cadence and hand it to the reviewers at once; gives the number of the change.

    The same nonce finds the same change again. Refused while another open change proposes this cadence already.
    """
    action = ChangeRequest.Action.SET_CADENCE
    _refuse_proposed_already(saved_query, cadence, nonce)
    change = create(
        author=author,
        action=action,
        saved_query=saved_query,
        sync_frequency=cadence,
        reason=reason,
        submit=True,
        nonce=nonce,
    )
    return change.pk


def _refuse_proposed_already(saved_query: SavedQuery, cadence: str, nonce: str) -> None:
    rivals = selectors.others_open(saved_query).filter(action=ChangeRequest.Action.SET_CADENCE).exclude(nonce=nonce)
    for rival in rivals:
        if current_revision(rival).proposal.get("sync_frequency") == cadence:
            raise StateForbids(f"{rival} proposes this already and waits: {rival.get_state_display().lower()}.")


def ask(user: User, connection: Connection, action: Action, proposal: Facts) -> Answer | None:
    """What PostHog says to a text that is handed to the reviewers; outside any transaction."""
    return remote_check.answer(user, connection, proposal["query"]) if action.has_sql else None


def ask_of(change: ChangeRequest, user: User, proposal: Facts) -> Answer | None:
    """The same for a change there is, where this person may hand it in at all."""
    if not policies.is_writer(user, change):
        return None
    return ask(user, change.connection, action_of(change.action), proposal)


def submit(change: ChangeRequest, user: User) -> ChangeRequest:
    """Hand a draft to the reviewers."""
    latest = current_revision(change)
    asked = ask_of(change, user, latest.proposal) if change.state == State.DRAFT else None
    return submit_asked(change, user, asked, latest.digest)


def submit_asked(change: ChangeRequest, user: User, asked: Answer | None, digest: str = "") -> ChangeRequest:
    """The same within a transaction, with what PostHog said to the text; `digest` is of the revision it was about."""
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.submitted")
        require_state(change, "submit")
        if is_blank(change.reason):
            raise InvalidInput("Say why first.", errors={"reason": ["A reason is needed to submit a change."]})
        latest = current_revision(change)
        action = action_of(change.action)
        lint = linting.report(change, latest)
        linting.refuse_found(change, lint)
        refuse_keyless(change.connection, change.author)
        keys.refuse_spent(change)
        if change.about is not None:
            live.refuse_closed(change.about)
            refuse_hopeless(action, live.subject_of(change.about, latest.base), latest.proposal)
        if action.has_sql:
            Draft.objects.of(user, change).used(latest.proposal["query"], 0).delete()
        check(change, latest, asked if digest in ("", latest.digest) else None)
        move(change, State.IN_REVIEW, submitted_at=timezone.now())
        note(change, user, "submitted")
        after = {"revision": latest.number, "checks_digest": json_digest(latest.checks), **linting.told(latest, lint)}
        record(change, user, "submitted", reason=change.reason, after=after)
    return change


def _refuse_other(known: ChangeRequest, values: Mapping[str, Any], reason: str) -> None:
    """A form that is sent again is answered by the change it made, unless it says something else now."""
    first = Revision.numbered(known, 1)
    made: Facts = first.proposal if first else {}
    typed = {name: value for name, value in values.items() if value and name in made}
    same_values = all(_is_same(name, value, made[name]) for name, value in typed.items())
    if not same_values or _plain(reason) != _plain(known.reason):
        raise SentAlready(known)


def _is_same(name: str, typed: Any, made: Any) -> bool:
    if name == KEYS:
        return mutations.is_same(made, typed)
    return _plain(typed) == _plain(made) if isinstance(typed, str) else typed == made


def _plain(text: str) -> str:
    return "\n".join(texts.storable(text or "").splitlines())


def target_of(about: Mirrored | None, action: Action, name: object = "") -> Target:
    """What a proposal is about, for the trail; of something new its name."""
    kind = "table" if action.of_tables else "saved_query"
    if about is None:
        return Target(kind, "", str(name or "")[:200])
    return Target(kind, str(about.posthog_id), about.name)


def _insert(
    author: User,
    action: Action,
    subject: Subject,
    reason: str,
    submitted: bool,
    nonce: str,
    rolls_back: ChangeRequest | None,
) -> tuple[ChangeRequest, bool]:
    now = timezone.now()
    values = {
        "connection": subject.connection,
        "saved_query": subject.view,
        "table": subject.table,
        "object_name": subject.name,
        "action": action.name,
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
    record(change, author, "created", reason=change.reason, **told(revision))
    if submitted:
        record(change, author, "submitted", reason=change.reason)
