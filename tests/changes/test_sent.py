"""What was sent for a change: each field with its value, the SQL as a diff, and what PostHog held when read again."""

from __future__ import annotations

import pytest

from tests.changes.conftest import NEW_SQL
from tests.changes.pages import shown, url, words
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault

State = ChangeRequest.State


@pytest.fixture
def reader(client_of, reviewer):
    return client_of(reviewer)


def api(reader, change: ChangeRequest) -> dict:
    return reader.get(f"/api/v1/changes/{change.pk}/").json()["mutation"]


def test_a_rename_shows_its_field_the_answer_and_the_name_that_was_read_back(view, carried_out, reader):
    change = carried_out("rename", saved_query=view, name="renamed")

    told = words(reader.get(url("detail", change)))

    assert "name renamed Answer 200" in told
    assert "Read back: name renamed as it was sent" in told
    sent = api(reader, change)
    assert sent["sent"] == {"fields": {"name": "renamed"}, "query": None, "is_exact": True}
    assert sent["read_back"] == [{"field": "name", "value": "renamed", "as_sent": True}]


def test_an_edit_shows_its_sql_against_what_was_there_before(applied, reader, sandbox):
    before = applied.mutation.before["query"]

    page = reader.get(url("detail", applied))
    whole, fragment = (reader.get(url("detail-sent", applied), headers=more) for more in ({}, {"HX-Request": "true"}))

    assert url("detail-sent", applied) in shown(page)
    assert shown(page).count("<h2>What was sent</h2>") == 1
    assert f"edited_history_id {applied.mutation.remote['token_before']}" in words(page)
    assert "Read back: query as it was sent" in words(page)
    for answer in (whole, fragment):
        assert "SELECT order_id, 1 AS one" in words(answer) and before.splitlines()[-1].strip() in words(answer)
        assert "PostHog was read again and held exactly this" in words(answer)
    assert "<html" in shown(whole) and "<html" not in shown(fragment)
    sent = api(reader, applied)
    assert (sent["sent"]["query"], sent["sent"]["is_exact"]) == (NEW_SQL, True)
    assert {"field": "query", "value": NEW_SQL, "as_sent": True} in sent["read_back"]


def test_a_pause_that_reads_as_no_cadence_is_as_it_was_sent(view, carried_out, reader):
    change = carried_out("set_cadence", saved_query=view, sync_frequency="never")

    assert change.state == State.APPLIED
    assert "sync_frequency never Answer" in words(reader.get(url("detail", change)))
    told = {row["field"]: row for row in api(reader, change)["read_back"]}
    assert told["sync_frequency"] == {"field": "sync_frequency", "value": None, "as_sent": True}


def test_a_deletion_has_no_fields_and_a_new_view_has_all_of_its_own(view, connection, carried_out, reader):
    made = carried_out("create_view", connection=connection, name="kpi_new", query="SELECT 1 AS one")
    gone = carried_out("delete", saved_query=made.saved_query)

    assert "Fields none" in words(reader.get(url("detail", gone)))
    assert (gone.state, api(reader, gone)["read_back"]) == (State.APPLIED, [])
    sent = api(reader, made)["sent"]
    assert sent == {"fields": {"name": "kpi_new"}, "query": "SELECT 1 AS one", "is_exact": True}


def test_what_posthog_refused_shows_what_was_sent_and_no_read_back(proposed, reviewer, committed, reader):
    change = proposed("SELECT * FROM no_such_table_anywhere")
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()

    assert change.state == State.FAILED
    assert "no_such_table_anywhere" in words(reader.get(url("detail-sent", change)))
    assert "It was not read back." in words(reader.get(url("detail-sent", change)))
    assert api(reader, change)["read_back"] == []


def test_where_nothing_was_sent_nothing_is_claimed(proposed, reviewer, committed, reader, sandbox, remote):
    change = proposed()
    sandbox.world.edit_outside(remote.name, "SELECT 9 AS nine")
    with committed():
        services.approve(change, reviewer)

    assert api(reader, change)["sent"] is None
    assert reader.get(url("detail-sent", change)).status_code == 404
    assert url("detail-sent", change) not in shown(reader.get(url("detail", change)))


def test_a_lost_answer_shows_what_left_though_nothing_was_read_back(proposed, reviewer, committed, reader, sandbox):
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    change = proposed()
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()

    assert change.state == State.UNCONFIRMED
    told = api(reader, change)
    assert (told["sent"]["query"], told["read_back"]) == (NEW_SQL, [])


def test_a_body_that_cannot_be_made_again_to_the_letter_is_said_to_be_what_was_asked_for(applied, reader):
    kept = {**applied.mutation.remote, "body_digest": "0" * 64}
    Mutation.objects.filter(pk=applied.mutation.pk).update(remote=kept)

    assert "can no longer be shown to the letter" in words(reader.get(url("detail", applied)))
    assert "can no longer be shown to the letter" in words(reader.get(url("detail-sent", applied)))
    assert api(reader, applied)["sent"]["is_exact"] is False


def test_a_secret_among_the_fields_is_hidden(view, carried_out, reader):
    change = carried_out("rename", saved_query=view, name="renamed")
    secret = {"name": "renamed", "credential": {"access_secret": "hunter2-hunter2"}}
    Mutation.objects.filter(pk=change.mutation.pk).update(
        payload=secret, remote={**change.mutation.remote, "body_digest": ""}
    )

    page = reader.get(url("detail", change))

    assert "hunter2" not in shown(page) and "[hidden]" in shown(page)
    assert "hunter2" not in str(api(reader, change))
