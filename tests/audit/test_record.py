"""What an entry holds, and what it must never hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context

KEY = "phx_0123456789abcdefABCDEF"


def test_it_tells_who_what_and_from_where(author: User) -> None:
    here = context.RequestContext(request_id="request-1234", ip="192.0.2.7", user_agent="Firefox")
    with context.use(here):
        entry = services.record(
            actor=author,
            action="change.submitted",
            target=Target("change", 12, "orders"),  # type: ignore[arg-type]
            reason="numbers were wrong",
            connection="demo",
        )

    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name, entry.actor_kind) == (author, "author", "person")
    assert (entry.object_type, entry.object_id, entry.object_name) == ("change", "12", "orders")
    assert (entry.request_id, entry.ip, entry.user_agent) == ("request-1234", "192.0.2.7", "Firefox")
    assert (entry.result, entry.reason, entry.connection) == ("ok", "numbers were wrong", "demo")


def test_a_token_is_named_beside_its_owner(author: User) -> None:
    with context.use(context.RequestContext(token_name="nightly")):
        entry = services.record(actor=author, action="change.submitted")

    assert (entry.actor_kind, entry.token_name, entry.actor_name) == ("token", "nightly", "author")


def test_the_system_has_no_person(db: None) -> None:
    entry = services.record(actor=None, action="sync.finished")

    assert (entry.actor, entry.actor_name, entry.actor_kind) == (None, "system", "system")


def test_secrets_are_hidden_by_name_and_by_shape(author: User) -> None:
    entry = services.record(
        actor=author,
        action="connection.updated",
        reason=f"used {KEY} by mistake",
        before={"api_key": "anything", "credential": {"access_key": "AKIA1", "access_secret": "s"}},
        after={"nested": [{"note": f"Bearer {KEY}"}], "Authorization": "x", "wa": "wa_" + "a" * 40},
        remote={"password": "hunter2", "headers": {"Set-Cookie": "a=b"}},
    )

    entry.refresh_from_db()
    stored = json.dumps([entry.reason, entry.before, entry.after, entry.remote])
    for secret in (KEY, "anything", "AKIA1", "hunter2", "a=b", "wa_a"):
        assert secret not in stored
    assert entry.before["credential"]["access_secret"] == "[hidden]"


def test_version_tokens_and_policies_are_no_secrets(author: User) -> None:
    told = {
        "latest_history_id": "h-1",
        "edited_history_id": "h-2",
        "token_before": "h-3",
        "key_policy": "service",
        "api_key_changed": True,
    }
    entry = services.record(actor=author, action="test.done", after=told)

    entry.refresh_from_db()
    assert entry.after == told


def test_a_huge_text_is_kept_as_digest_and_head(author: User) -> None:
    entry = services.record(actor=author, action="test.done", after={"query": "SELECT 1 -- " + "x" * 100_000})

    entry.refresh_from_db()
    assert entry.after["query"]["characters"] == 100_012
    assert entry.after["query"]["head"].startswith("SELECT 1")
    assert len(json.dumps(entry.after)) < 5_000


def test_values_that_are_no_json_become_text(author: User) -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    entry = services.record(
        actor=author,
        action="test.done",
        after={"id": UUID(int=1), "at": moment, "nan": float("nan"), "set": {"b", "a"}},
    )

    entry.refresh_from_db()
    assert entry.after == {
        "id": str(UUID(int=1)),
        "at": "2026-01-02T03:04:00+00:00",
        "nan": "nan",
        "set": ["a", "b"],
    }
    assert services.verify().bad_sequence is None


@pytest.mark.parametrize("text", ["nul \x00", "lone \ud800 surrogate", "emoji 🦔\r\n"])
def test_any_text_can_be_stored_and_verified(author: User, text: str) -> None:
    services.record(actor=author, action="test.done", reason=text, after={text: text})

    assert services.verify().bad_sequence is None


def test_depth_and_length_are_bounded(author: User) -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(100):
        inner["x"] = {}
        inner = inner["x"]  # type: ignore[assignment]
    entry = services.record(actor=author, action="test.done", before=deep, after={"many": list(range(5_000))})

    entry.refresh_from_db()
    assert "[too deep]" in json.dumps(entry.before)
    assert len(entry.after["many"]) == 1_001


def test_a_denial_is_an_entry(viewer: User) -> None:
    services.record_denied(actor=viewer, action="change.approved", target=Target("change", "3", "x"), reason="No.")

    entry = AuditEntry.objects.get()
    assert (entry.result, entry.actor, entry.action) == ("denied", viewer, "change.approved")
