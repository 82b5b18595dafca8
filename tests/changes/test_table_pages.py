"""The pages of table changes: plain forms, everything typed kept but keys, and keys found nowhere afterwards."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from tests.changes.pages import hidden, url, words
from tests.changes.tables import ACCESS, NEW, OWN, SECRET, SOURCED, kept_keys, leaks_in_database, planted_in
from tests.changes.test_evidence import run, told_by, unpacked
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import exports
from warehouse_admin.audit.models import AuditEntry, ExportPart
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.debugging import HidesSecrets
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.models import Credential
from warehouse_admin.mutations.services import Entered
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State
NEW_TABLE = "/changes/new-table/"
TYPED = {**NEW, "access_key": ACCESS, "access_secret": SECRET, "reason": "because", "do": "propose"}


@pytest.fixture
def editor(synced: Connection, author: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(author)


def propose(editor: Client, **changes: str) -> Any:
    page = editor.get(NEW_TABLE)
    return editor.post(NEW_TABLE, {**TYPED, "nonce": hidden(page, "nonce"), "connection": "demo", **changes})


def test_a_form_with_a_mistake_comes_back_without_its_keys(editor):
    answer = propose(editor, url_pattern="http://files.example.com/x", reason="a good reason")

    assert answer.status_code == 422
    told = words(answer)
    assert "The pattern must begin with https://" in told and "enter them again" in told
    body = answer.content.decode()
    assert "http://files.example.com/x" in body and "a good reason" in body and NEW["name"] in body
    assert planted_in(body) == []
    assert not Credential.objects.exists()


def test_the_preview_asks_for_no_keys_and_shows_what_would_be_sent(editor):
    page = editor.get(NEW_TABLE).content.decode()
    assert 'hx-params="not access_key,access_secret"' in page
    answer = editor.post(f"{NEW_TABLE}preview/", {"connection": "demo", **NEW})
    told = words(answer)
    assert "POST /api/projects/" in told and "access key set, secret set" in told


def test_nobody_finds_the_keys_anywhere_after_the_whole_story(
    editor,
    reviewer,
    auditor,
    admin,
    client_of,
    committed,
    sandbox,
    caplog,
    tmp_path,
    django_capture_on_commit_callbacks,
):
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def look(client: Client) -> None:
        change = ChangeRequest.objects.latest("pk")
        pages = [url(name, change) for name in ("detail", "detail-status", "detail-base", "detail-cautions", "revise")]
        api = ["/api/v1/changes/", f"/api/v1/changes/{change.pk}/", "/api/v1/tables/", "/api/v1/audit/?limit=1000"]
        for address in [*pages, *api, "/changes/", "/audit/", "/activity/", "/tables/"]:
            seen.append(client.get(address).content.decode())

    def everybody() -> None:
        for client in (editor, client_of(reviewer), client_of(auditor), client_of(admin)):
            look(client)

    assert propose(editor).status_code == 302
    change = ChangeRequest.objects.get()
    everybody()
    assert "access key set, secret set by author" in words(client_of(reviewer).get(url("detail", change)))
    sandbox.world.faults.add(Fault("drop_after", "POST", "warehouse_tables"))
    with committed():
        services.approve(change, reviewer)
    everybody()
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPLIED
    everybody()
    pack = client_of(auditor).get(url("evidence", change)).content
    told = told_by(pack)
    assert {entry["action"] for entry in told["entries"]} >= {"change.applied", "table.create_table"}
    assert told["change"]["table_id"] == str(change.table.posthog_id)
    folder = unpacked(pack, tmp_path)
    status, said = run(folder / "verify.py", cwd=folder)
    assert status == 0, said
    with zipfile.ZipFile(io.BytesIO(pack)) as files:
        seen += [files.read(name).decode("utf-8", "replace") for name in files.namelist()]
    with django_capture_on_commit_callbacks(execute=True):
        exports.ask(user=auditor, format="jsonl", filters={})
    seen += [bytes(part.content).decode("utf-8", "replace") for part in ExportPart.objects.all()]
    seen += [record.getMessage() + str(record.exc_text or "") for record in caplog.records]

    assert len(seen) > 150 and "finance_budget" in "".join(seen)
    assert [text[:200] for text in seen if planted_in(text)] == []
    assert leaks_in_database() == []
    assert kept_keys() == []
    assert any(
        received.body["credential"]["access_secret"] == SECRET
        for received in sandbox.world.requests
        if received.method == "POST"
    )


def test_while_they_wait_the_keys_are_encrypted(editor):
    propose(editor)
    [kept] = kept_keys()
    assert (kept.access_key, kept.access_secret) == (ACCESS, SECRET)
    assert leaks_in_database() == []
    entry = AuditEntry.objects.get(action="change.created")
    assert entry.after["credential"]["set"] == ["access key", "secret"]


@override_settings(DEBUG=True)
def test_a_crash_shows_no_variable_of_a_form_with_keys(editor, monkeypatch):
    def crash(**fields: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(services, "create", crash)
    editor.raise_request_exception = False
    answer = propose(editor)
    assert answer.status_code == 500
    assert planted_in(answer.content.decode()) == []
    assert HidesSecrets().is_active(None)


def test_an_applied_edit_by_page_and_its_rollback_page(editor, synced, reviewer, client_of, committed, sandbox):
    lineage.refresh(synced)
    table = WarehouseTable.objects.get(name=OWN)
    address = reverse("changes:propose-table-action", args=[table.posthog_id, "update_table"])
    page = editor.get(address)
    assert "only to replace them" in words(page)
    typed = {name: hidden(page, name) for name in ("base", "nonce")}
    typed |= {
        "name": "fx",
        "format": table.format,
        "url_pattern": table.url_pattern,
        "reason": "shorter",
        "do": "propose",
    }

    answer = editor.post(address, typed)

    change = ChangeRequest.objects.get()
    assert answer.url == url("detail", change)
    assert editor.post(address, typed).url == answer.url, "a double click makes one change"
    assert change.revisions.get().proposal == {"name": "fx"}
    told = words(client_of(reviewer).get(url("detail", change)))
    assert "PostHog guards tables with no token" in told and "stg_fx_rates" in told
    with committed():
        services.approve(change, reviewer)
    assert sandbox.world.table_by_name("fx") is not None
    assert "proposes what was there before" in words(editor.get(url("rollback", change)))
    assert editor.get(url("detail-sent", change)).status_code == 200


def test_keys_entered_anew_on_the_page_of_an_edit(editor, author):
    propose(editor)
    change = ChangeRequest.objects.get()
    services.withdraw(change, author)
    services.reopen(change, author)
    assert "an edit has to enter them anew" in words(editor.get(url("detail", change)))
    page = editor.get(url("revise", change))
    assert planted_in(page.content.decode()) == []
    typed = {**TYPED, "revision": hidden(page, "revision"), "access_secret": "another-secret"}

    assert "an edit has to enter them anew" in words(page)
    assert editor.post(url("revise", change), typed).status_code == 302

    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)
    assert [kept.access_secret for kept in kept_keys()] == ["another-secret"]


def test_a_moved_table_brings_the_form_back_on_what_is_there_now(editor, sandbox):
    table = WarehouseTable.objects.get(name=OWN)
    address = reverse("changes:propose-table-action", args=[table.posthog_id, "update_table"])
    page = editor.get(address)
    sandbox.world.table_by_name(OWN).format = "CSV"
    typed = {name: hidden(page, name) for name in ("base", "nonce")}

    answer = editor.post(
        address,
        {
            **typed,
            "name": "fx",
            "format": table.format,
            "url_pattern": table.url_pattern,
            "reason": "x",
            "do": "propose",
        },
    )

    assert answer.status_code == 409, words(answer)
    assert not ChangeRequest.objects.exists()
    assert 'value="fx"' in answer.content.decode()


@pytest.mark.parametrize("action", ["update_table", "delete_table", "refresh_schema", "update_schema"])
def test_a_locked_table_has_no_button_and_no_form(action, editor):
    table = WarehouseTable.objects.get(name=SOURCED)
    page = editor.get(reverse("mirror:table-detail", args=[table.posthog_id]))
    address = reverse("changes:propose-table-action", args=[table.posthog_id, action])
    assert "belongs to Stripe" in words(page)
    assert address not in page.content.decode()
    assert editor.get(address).status_code == 409


def test_those_who_may_not_propose_see_why(synced, viewer, client_of):
    table = WarehouseTable.objects.get(name=OWN)
    page = client_of(viewer).get(reverse("mirror:table-detail", args=[table.posthog_id]))
    assert "Your role may not propose changes." in page.content.decode()
    for address in (NEW_TABLE, reverse("changes:propose-table-action", args=[table.posthog_id, "delete_table"])):
        assert client_of(viewer).get(address).status_code == 403
    assert AuditEntry.objects.filter(action="change.created", result="denied").count() == 2


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("reason", f"it works with {ACCESS} now", "The reason contains the access key: leave it out."),
        ("reason", f"{ACCESS}:{SECRET}", "The reason contains the access key and the secret: leave it out."),
        ("name", f"t_{ACCESS.lower()}", "The name contains the access key: leave it out."),
        (
            "url_pattern",
            "https://files.example.com/x.csv?s=planted%2Fsecret%2BZx9Qw",
            "The URL pattern contains the secret: leave it out.",
        ),
    ],
)
def test_keys_that_are_typed_where_everybody_reads_are_refused_before_anything_is_kept(editor, field, text, told):
    assert propose(editor, **{field: text}).status_code == 422
    answer = propose(editor, **{field: text, "do": "save"})
    assert answer.status_code == 422 and told in words(answer)
    body = {**NEW, "action": "create_table", "credential": {"access_key": ACCESS, "access_secret": SECRET}}
    body |= {"reason": "because", "submit": True, field: text}
    called = editor.post("/api/v1/changes/", body, "application/json")

    assert called.status_code == 400 and called.json()["errors"][field] == [told]
    assert not ChangeRequest.objects.exists() and not Credential.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="change.").exists()
    assert leaks_in_database() == []


def test_short_keys_are_not_looked_for_in_texts(editor):
    assert propose(editor, access_key="because").status_code == 302


def test_while_keys_are_kept_nobody_repeats_them_in_a_revision_or_a_comment(editor, author, reviewer, client_of):
    assert propose(editor).status_code == 302
    change = ChangeRequest.objects.get()

    with pytest.raises(InvalidInput, match="The reason contains the secret"):
        services.revise(change, author, revision=1, reason=f"the secret is {SECRET}")
    with pytest.raises(InvalidInput, match="The reason contains the access key"):
        services.revise(
            change,
            author,
            revision=1,
            reason=f"no longer {ACCESS}",
            credential=Entered("another-key", "another-secret"),
        )
    with pytest.raises(InvalidInput, match="The name contains the access key"):
        services.revise(change, author, revision=1, name=f"finance_{ACCESS}")
    for say in (services.comment, services.approve, services.request_changes, services.reject):
        with pytest.raises(InvalidInput, match="The comment contains the access key: leave it out."):
            say(change, reviewer, f"so the key is {ACCESS}?")
    page = client_of(reviewer).post(url("comment", change), {"comment": f"so the key is {ACCESS}?"})

    assert "contains the access key" in words(page)
    told = AuditEntry.objects.filter(action__startswith="change.").order_by("sequence")
    assert [entry.action for entry in told] == ["change.created", "change.submitted"]
    assert change.events.count() == 2
    assert leaks_in_database() == []


def test_keys_that_are_entered_anew_must_not_be_what_the_reason_says_already(editor, author):
    assert propose(editor, reason="as in ticket budget-2026-q4").status_code == 302
    change = ChangeRequest.objects.get()
    with pytest.raises(InvalidInput, match="The reason contains the access key"):
        services.revise(change, author, revision=1, credential=Entered("budget-2026-q4", "another-secret"))
    assert Credential.objects.count() == 1


@pytest.mark.parametrize("name", ["1 bad-name!", "budget 2026", "a;b"])
def test_a_name_that_has_to_be_quoted_is_not_called_a_word_of_the_language(editor, name):
    told = words(editor.post(f"{NEW_TABLE}preview/", {"connection": "demo", **NEW, "name": name}))
    assert f"Queries have to quote this name (`{name}`)" in told and "word of the query language" not in told
    assert propose(editor, name=name).status_code == 302
    assert AuditEntry.objects.filter(action="change.submitted", object_name=name).exists()


@pytest.mark.parametrize(
    ("name", "told"), [("a`; drop", "Leave out the “`”"), *((one, "is empty") for one in ("a..b", ".a", "a.", "a. .b"))]
)
def test_a_name_that_no_query_could_read_is_refused_for_a_new_table(editor, name, told):
    body = {**NEW, "action": "create_table", "credential": {"access_key": ACCESS, "access_secret": SECRET}}
    called = editor.post("/api/v1/changes/", body | {"name": name, "reason": "r"}, "application/json")
    assert called.status_code == 400 and told in called.json()["errors"]["name"][0]
    answer = propose(editor, name=name)
    assert answer.status_code == 422 and told in words(answer)
    assert not ChangeRequest.objects.exists() and not AuditEntry.objects.filter(action="change.created").exists()


def test_a_table_that_has_such_a_name_keeps_it(editor):
    WarehouseTable.objects.filter(name=OWN).update(name="odd`name")
    table = WarehouseTable.objects.get(name="odd`name")
    address = reverse("changes:preview-table-action", args=[table.posthog_id, "update_table"])
    told = words(editor.post(address, {"name": "odd`name", "format": "CSV", "url_pattern": NEW["url_pattern"]}))
    assert "POST /api" in told or "PATCH /api" in told


def test_another_open_change_that_makes_a_table_of_this_name_is_told(editor, reviewer, client_of):
    assert propose(editor).status_code == 302
    first = ChangeRequest.objects.get()
    told = f"{first} creates a table {NEW['name']} too. Whichever is applied second fails."

    assert told in words(editor.post(f"{NEW_TABLE}preview/", {"connection": "demo", **NEW}))
    assert told not in words(client_of(reviewer).get(url("detail-cautions", first)))
    assert propose(editor).status_code == 302

    second = ChangeRequest.objects.latest("pk")
    assert told in words(client_of(reviewer).get(url("detail-cautions", second)))
    assert told in words(editor.get(url("revise", second)))
    assert f"{second} creates a table" in words(client_of(reviewer).get(url("detail-cautions", first)))
    assert told in editor.get(f"/api/v1/changes/{second.pk}/").json()["cautions"]
    assert AuditEntry.objects.filter(action="change.submitted").count() == 2
    services.withdraw(first, first.author)
    assert told not in words(client_of(reviewer).get(url("detail-cautions", second)))
