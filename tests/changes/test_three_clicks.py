"""An auditor's question: who changed this line, who approved it, what did PostHog say? Three clicks at most."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.pages import words
from warehouse_admin.accounts.models import User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db


def answered(page: str, change: ChangeRequest) -> bool:
    """Whether a page names who wrote it, who approved it and how PostHog answered."""
    who, approved = change.author.display_name, "approved r1" in page
    return f"by {who}" in page and approved and "Answer 200 after" in page


def linked(client: Client, url: str, pattern: str) -> str:
    """Where a link of a page leads; None of it is typed."""
    found = re.search(f'href="({pattern})"', client.get(url).content.decode())
    assert found is not None, f"{url} has no link to {pattern}"
    return found[1].replace("&amp;", "&")


def test_from_the_view_it_takes_two(applied: ChangeRequest, auditor: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(auditor)
    view = SavedQuery.objects.get(pk=applied.saved_query_id)
    start = reverse("mirror:view-detail", args=[view.posthog_id])

    blame = start + linked(client, start, r"\?[^\"]*blame=1")
    change = linked(client, blame, rf"/changes/{applied.pk}/")

    assert answered(words(client.get(change)), applied)


def test_from_the_log_it_takes_two(applied: ChangeRequest, auditor: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(auditor)
    sent = AuditEntry.objects.get(action="saved_query.edit_query", result="ok")

    entry = linked(client, reverse("audit:list"), rf"/audit/{sent.sequence}/")
    change = linked(client, entry, rf"/changes/{applied.pk}/")

    assert answered(words(client.get(change)), applied)
    pack = linked(client, entry, rf"/changes/{applied.pk}/evidence/")
    assert client.get(pack)["Content-Type"] == "application/zip"


def test_who_may_not_read_the_trail_is_offered_no_pack(
    applied: ChangeRequest, author: User, client_of: Callable[[User], Client]
) -> None:
    entry = AuditEntry.objects.get(action="change.created", object_id=str(applied.pk))
    page = client_of(author).get(reverse("audit:detail", args=[entry.sequence])).content.decode()

    assert f"/changes/{applied.pk}/" in page and "evidence/" not in page
