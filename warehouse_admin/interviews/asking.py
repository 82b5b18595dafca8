"""Asking for an upload, an edit or a deletion: checked, put on record with the gate, sent in the background."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.interviews import addresses, policies, reading, recordings
from warehouse_admin.interviews.errors import ChangedSince, Gone, NotOffered, UnderWay
from warehouse_admin.interviews.models import Interview, Reading, Write
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.errors import PostHogError

CAPABILITY = "interviews_write"
SUMMARY_LIMIT = 200_000
LOOK_SECONDS = 10.0
"""A person waits for the look at PostHog; without an answer the gate looks before it sends."""
DELETED = "This interview was deleted in PostHog."


def refusal(connection: Connection, user: User) -> str:
    """Why nothing can be written to this connection's interviews, in a sentence; empty when it can."""
    known = accounts.capability(connection, CAPABILITY)
    if known.state == "no":
        return known.reason
    if not connection.is_active:
        return f"{connection.name} is switched off."
    unread = Reading.objects.filter(connection=connection, is_offered=False).first()
    if unread is not None:  # where nobody may read, nobody may write
        return unread.problem
    return accounts.why_no_writes(connection, author=user)


def create(*, user: User, connection: Connection, recording: Any, emails: list[str], key: str = "") -> Write:
    """Have a recording uploaded to PostHog in the background.

    The same `key` of a person gives the same upload, unless it comes with another recording.
    """
    policies.require_write(user, "interview.create")
    kind, people = _both(recording, emails)
    key = text_digest(f"{key} {recording.sha256}")[:64] if key else ""
    found = _kept(user, key) if key else None
    if found is not None:
        return found
    _require_offered(connection, user)
    name = recordings.adopt(recording, kind)
    payload = {
        "audio": {"media_type": kind.media_type, "bytes": recording.size, "sha256": recording.sha256},
        "file": name,
        addresses.FIELD: people,
    }
    with ExitStack() as unwanted:
        unwanted.callback(recordings.remove, name)  # whatever goes wrong, or where a double click was faster
        write = _ask(user, connection, Write.Kind.CREATE, payload, idempotency_key=_key(user, key), recording=name)
        if write.recording == name:
            unwanted.pop_all()
    return write


def _both(recording: Any, emails: list[str]) -> tuple[Any, list[str]]:
    """Everything that is wrong is told at once, or a person would upload again for each."""
    errors: dict[str, list[str]] = {}
    people: list[str] = []
    try:
        people = addresses.clean(emails)
    except InvalidInput as wrong:
        errors |= wrong.errors
    try:
        kind = recordings.check(recording)
    except InvalidInput as wrong:
        errors |= wrong.errors
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    return kind, people


def edit(
    *,
    user: User,
    interview: Interview,
    summary: str | None = None,
    emails: list[str] | None = None,
    seen: str = "",
    reason: str = "",
) -> Write | None:
    """Change summary and addresses in PostHog, in the background; None where nothing differs.

    `seen` is the fingerprint of what the person was shown: ChangedSince when it is another by now, also in PostHog.
    """
    policies.require_write(user, "interview.update", policies.target_of(interview))
    _require_there(interview)
    if summary is None and emails is None:
        raise InvalidInput("Give a summary or addresses: nothing is to be changed.")
    _wanted(interview, summary, emails)  # what is wrong is told before PostHog is asked
    reason = clean_reason(reason, needed=False)
    if seen:
        interview = _as_seen(interview, seen)
    wanted = _wanted(interview, summary, emails)
    if not wanted:
        return None
    _require_offered(interview.connection, user)
    base = {name: digest for name, digest in _base_of(interview).items() if name in wanted}
    return _ask(user, interview.connection, Write.Kind.EDIT, wanted, interview=interview, base=base, reason=reason)


def _wanted(interview: Interview, summary: str | None, emails: list[str] | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if summary is not None:
        text = _summary(summary)
        wanted |= {"summary": text} if text != interview.summary.strip() else {}
    if emails is not None:
        people = addresses.clean(emails)
        wanted |= {addresses.FIELD: people} if people != interview.emails else {}
    return wanted


def _summary(text: str) -> str:
    """As PostHog will keep it: without outer space. Browsers send the ends of lines of Windows."""
    text = text.replace("\r\n", "\n").strip()
    problem = ""
    if "\x00" in text:
        problem = "The summary contains a NUL character; remove it."
    elif len(text) > SUMMARY_LIMIT:
        problem = f"At most {SUMMARY_LIMIT:,} characters."
    if problem:
        raise InvalidInput(problem, errors={"summary": [problem]})
    return text


def delete(*, user: User, interview: Interview, confirm: str, reason: str, seen: str = "") -> Write:
    """Have an interview deleted in PostHog, for good; `confirm` has to be its id.

    `seen` is the fingerprint of what the person decided on, as of an edit. Who names none wants it gone however it is.
    """
    policies.require_write(user, "interview.delete", policies.target_of(interview))
    errors: dict[str, list[str]] = {}
    if confirm.strip().lower() != str(interview.posthog_id):
        errors["confirm"] = ["Repeat the id of the interview: deleting it cannot be undone."]
    try:
        reason = clean_reason(reason)
    except InvalidInput as wrong:
        errors |= wrong.errors
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    _require_there(interview)
    _require_offered(interview.connection, user)
    base = None
    if seen:
        interview = _as_seen(interview, seen)
        base = _base_of(interview)
    return _ask(user, interview.connection, Write.Kind.DELETE, {}, interview=interview, base=base, reason=reason)


def _as_seen(interview: Interview, seen: str) -> Interview:
    """The interview as PostHog has it now; ChangedSince where that is not what the person saw.

    Asked while the form is still there: later only digests are left of what was typed, and nobody could give it back.
    """
    if seen == interview.fingerprint:
        interview = _read_again(interview)
    if seen != interview.fingerprint:
        raise ChangedSince("Somebody changed this interview since the form was opened. Look at it and decide again.")
    return interview


def _read_again(interview: Interview) -> Interview:
    """As it was where PostHog cannot be read: the gate compares once more before it sends."""
    try:
        found = reading.read_one(
            interview.connection, interview.posthog_id, purpose="interactive", timeout=LOOK_SECONDS
        )
    except (PostHogError, UserError):
        return interview
    if found is None:
        raise Gone(DELETED)
    return found


def _base_of(interview: Interview) -> dict[str, Any]:
    """What a wish is written against: digests, as everything that the gate keeps of an interview."""
    return mutations.interview_in_digests({addresses.FIELD: interview.emails, "summary": interview.summary})


def _require_there(interview: Interview) -> None:
    if interview.deleted_at:
        raise Gone(DELETED)


def _require_offered(connection: Connection, user: User) -> None:
    if why := refusal(connection, user):
        raise NotOffered(why)


GATE = {
    Write.Kind.CREATE: Mutation.Kind.CREATE_INTERVIEW,
    Write.Kind.EDIT: Mutation.Kind.UPDATE_INTERVIEW,
    Write.Kind.DELETE: Mutation.Kind.DELETE_INTERVIEW,
}


def _ask(
    user: User,
    connection: Connection,
    kind: Write.Kind,
    payload: dict[str, Any],
    *,
    interview: Interview | None = None,
    base: dict[str, Any] | None = None,
    reason: str = "",
    idempotency_key: str = "",
    recording: str = "",
) -> Write:
    """The same deletion again while one is open: a double click. UnderWay while something else is."""
    idempotency_key = idempotency_key or _key(user, "")
    try:
        with transaction.atomic():
            mutation = mutations.ask(
                connection=connection,
                kind=GATE[kind],
                object_id=str(interview.posthog_id) if interview else "",
                object_name=str(interview or "New interview"),
                actor=user,
                idempotency_key=idempotency_key,
                payload=payload,
                base=base,
                cause="interviews",
                reason=reason,
            )
            write, made = Write.objects.get_or_create(
                mutation=mutation, defaults={"kind": kind, "interview": interview, "recording": recording}
            )
            if made:
                _queue(write)
            return write
    except IntegrityError:
        if interview is None:
            return Write.objects.select_related("mutation").get(mutation__idempotency_key=idempotency_key)
        return _open_one(interview, kind)


def _open_one(interview: Interview, kind: Write.Kind) -> Write:
    under_way = Write.objects.filter(interview=interview, finished_at=None).select_related("mutation").first()
    if under_way is None:
        raise UnderWay("The last change of this interview has just ended. Try again.")
    if kind == Write.Kind.DELETE and under_way.kind == kind:
        return under_way
    words = under_way.get_kind_display().lower()
    raise UnderWay(f"The last {words} of this interview has not come to its end. Wait for it, then try again.")


def _kept(user: User, key: str) -> Write | None:
    return Write.objects.select_related("mutation").filter(mutation__idempotency_key=_key(user, key)).first()


def _key(user: User, key: str) -> str:
    return f"interview:{user.pk}:{key or uuid4()}"


def _queue(write: Write) -> None:
    from warehouse_admin.interviews import tasks

    tasks.carry_out.delay_on_commit(str(write.pk))  # type: ignore[attr-defined]
