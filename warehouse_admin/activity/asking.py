"""Asking the author of what happened; the question stands on the entry until somebody answers."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.activity.dealing import (
    PERMISSION,
    Deed,
    clean_text,
    deal,
    locked,
    record,
    require,
    shown_of,
    target_of,
)
from warehouse_admin.activity.errors import NotPossible
from warehouse_admin.activity.models import ActivityEntry, Question

ASKED, ANSWERED = "activity.asked", "activity.answered"


def why_not_asked(entry: ActivityEntry) -> str:
    """A sentence where there is nobody to ask; else empty."""
    return "" if entry.author else "PostHog names nobody, so there is nobody to ask. Assign it instead."


def ask(*, user: User, entry: ActivityEntry, text: str) -> ActivityEntry:
    """Put a question to the author. With an account here it is in their folder; the asker keeps the entry."""
    require(user, ASKED, entry)
    if why := why_not_asked(entry):
        raise NotPossible(why)
    text = clean_text("question", text, needed="Write what you want to know.")
    person = author_of(entry)

    def put(one: ActivityEntry) -> bool:
        open_one = one.questions.filter(answered_at=None).first()
        if open_one is not None:
            if open_one.asked_by_id == user.pk and open_one.text == text:
                return False  # a double click
            raise NotPossible(f"{open_one.asked_by.username} has asked already; wait for the answer.")
        Question.objects.create(entry=one, asked_by=user, addressed_to=entry.author, person=person, text=text)
        one.asked_at, one.asked_person = timezone.now(), person
        one.assignee = one.assignee or user
        return True

    with transaction.atomic():
        deal(Deed(user, ASKED, text), [entry.pk], put)
        ActivityEntry.objects.filter(pk=entry.pk).update(was_asked=True)
    return ActivityEntry.objects.get(pk=entry.pk)


def author_of(entry: ActivityEntry) -> User | None:
    """The account here of the person whom an entry names."""
    named = Q(username=entry.author) | Q(email__iexact=entry.author)
    return User.objects.filter(named, is_active=True).first() if entry.author else None


def answer(*, user: User, entry: ActivityEntry, text: str) -> ActivityEntry:
    """The person who was asked answers, or a reviewer writes down what they said."""
    question = entry.questions.filter(answered_at=None).first()
    if question is None:
        raise NotPossible("Nobody has asked anything that is still open.")
    if user.pk != question.person_id:
        policies.require(user, PERMISSION, action=ANSWERED, target=target_of(entry))
    text = clean_text("answer", text, needed="Write the answer.")
    with transaction.atomic():
        (one,) = locked([entry.pk])
        open_one = Question.objects.filter(pk=question.pk, answered_at=None)
        if open_one.update(answer=text, answered_by=user, answered_at=timezone.now()):
            before = shown_of(one)
            one.asked_at = one.asked_person = None
            one.save(update_fields=["asked_at", "asked_person"])
            record(Deed(user, ANSWERED, text), one, before)
    return ActivityEntry.objects.get(pk=entry.pk)
