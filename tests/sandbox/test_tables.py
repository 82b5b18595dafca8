from __future__ import annotations

import pytest

TABLE = {
    "name": "finance_budget",
    "format": "CSVWithNames",
    "url_pattern": "https://files.example.com/budget/*.csv",
    "credential": {"access_key": "AKIAEXAMPLE", "access_secret": "hush-hush"},
}
INTERVIEWS = "user_interviews/"
EMPTY = {"audio": ("talk.mp3", b"", "audio/mpeg")}
AUDIO = {"audio": ("talk.mp3", b"ID3 sound", "audio/mpeg")}


def test_the_list_has_sources_own_files_and_storage(start):
    api = start()
    page = api("GET", "warehouse_tables/?limit=20&offset=x").json()
    everything = api("GET", "warehouse_tables/?limit=500").json()["results"]
    assert (len(page["results"]), page["count"]) == (20, len(everything))
    sources = [row["external_data_source"]["source_type"] for row in everything if row["external_data_source"]]
    assert set(sources) == {"Stripe", "Hubspot", "Postgres", "Zendesk"}
    assert len(sources) == 22
    own = [row for row in everything if row["credential"]]
    assert len(own) == 3
    assert all(row["credential"].keys() == {"id", "created_by", "created_at"} for row in own)
    storage = {row["name"] for row in everything} & {view.name for view in api.world.live_views()}
    assert "mart_executive_kpis" in storage
    assert api("GET", "warehouse_tables/?offset=9999").json()["results"] == []


@pytest.mark.parametrize(("generation", "schema"), [("B", {"name", "should_sync", "last_synced_at"}), ("D", None)])
def test_a_table_without_a_schema(start, generation, schema):
    found = start(generation)("GET", "warehouse_tables/?search=finance_fx").json()["results"][0]["external_schema"]
    assert (found and found.keys()) == schema


def test_create_never_gives_the_secret_back(start):
    api = start()
    answer = api("POST", "warehouse_tables/", TABLE)
    assert answer.status_code == 201
    assert "hush" not in answer.text
    assert api.world.writes(answer.json()["id"]) == 1


@pytest.mark.parametrize(
    ("changes", "attr", "detail"),
    [
        ({"name": "stripe_charges"}, "name", "A table with this name already exists."),
        ({"format": "XLS"}, "format", '"XLS" is not a valid choice.'),
        ({"url_pattern": "http://files.example.com/x"}, "url_pattern", "URL pattern must use https."),
        ({"url_pattern": "https://localhost/x"}, "url_pattern", "hostname is not allowed"),
        ({"url_pattern": "https://10.0.0.1/x"}, "url_pattern", "internal IP ranges"),
        ({"url_pattern": "https://nowhere.invalid/x"}, "url_pattern", "could not be resolved"),
        ({"url_pattern": "https://denied.example.com/x"}, None, "Access Denied"),
        ({"credential": None}, "credential", "This field may not be null."),
        ({"credential": {"access_secret": "x"}}, "credential__access_key", "This field is required."),
        ({"credential": {"access_key": "", "access_secret": "x"}}, "credential__access_key", "may not be blank."),
    ],
)
def test_what_create_refuses(start, changes, attr, detail):
    answer = start()("POST", "warehouse_tables/", {**TABLE, **changes})
    assert (answer.status_code, answer.json()["attr"]) == (400, attr)
    assert detail in answer.json()["detail"]


def test_update_and_delete(start):
    api = start()
    own = api.world.table_by_name("finance_fx_rates").id
    assert api("PATCH", f"warehouse_tables/{own}/", {"name": "fx"}).json()["name"] == "fx"
    assert api("PATCH", f"warehouse_tables/{own}/", {"credential": None}).status_code == 400
    blank = api("PATCH", f"warehouse_tables/{own}/", {"credential": {"access_key": ""}}).json()
    assert blank["detail"] == "Access key can't be blank"
    assert api("DELETE", f"warehouse_tables/{own}/").status_code == 204
    assert api("GET", f"warehouse_tables/{own}/").status_code == 404
    sourced = api.world.table_by_name("stripe_charges").id
    answer = api("DELETE", f"warehouse_tables/{sourced}/")
    assert (answer.status_code, answer.json()) == (400, {"message": "Can't delete a sourced table"})


def test_an_interview_is_uploaded_in_parts(start):
    api = start()
    emails = [("interviewee_emails", "Ida <ida@mail.example>"), ("interviewee_emails", "bo@mail.example")]
    answer = api("POST", INTERVIEWS, data=[*emails, ("summary", "mine")], files=AUDIO)
    body = answer.json()
    assert answer.status_code == 201
    assert body["interviewee_emails"] == ["Ida <ida@mail.example>", "bo@mail.example"]
    assert body["summary"] != "mine"
    assert "audio" not in body
    assert "topic" in body
    assert api("GET", INTERVIEWS).json()["results"][0]["id"] == body["id"]


@pytest.mark.parametrize(
    ("sent", "status", "detail"),
    [
        ({"json": {"interviewee_emails": ["a@b.io"]}}, 400, "No file was submitted."),
        ({"json": {"audio": "text"}}, 400, "The submitted data was not a file. Check the encoding type on the form."),
        (
            {"data": {"interviewee_emails": "a@b.io"}, "files": {"audio": ("a.mp3", b"")}},
            400,
            "The submitted file is empty.",
        ),
        ({"data": {"interviewee_emails": "nobody"}, "files": AUDIO}, 400, "Enter a valid email address."),
        ({"files": AUDIO}, 500, "A server error occurred."),
    ],
)
def test_what_an_upload_refuses(start, sent, status, detail):
    answer = start()("POST", INTERVIEWS, **sent)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


def test_an_interview_is_edited_and_deleted_for_good(start):
    api = start()
    first = api("GET", INTERVIEWS).json()["results"][0]["id"]
    body = {"summary": "Shorter.", "transcript": "forged"}
    changed = api("PATCH", f"{INTERVIEWS}{first}/", body).json()
    assert changed["summary"] == "Shorter."
    assert changed["transcript"] != "forged"
    assert api("DELETE", f"{INTERVIEWS}{first}/").status_code == 204
    assert api("DELETE", f"{INTERVIEWS}{first}/").status_code == 404


def test_folders_are_a_bare_array_and_take_their_views_along(start):
    api = start()
    folders = api("GET", "warehouse_saved_query_folders/").json()
    growth = next(folder for folder in folders if folder["name"] == "Growth")
    assert growth["view_count"] == 4
    assert api("DELETE", f"warehouse_saved_query_folders/{growth['id']}/").status_code == 204
    assert api.world.view_by_name("growth.plan_switches") is None
    assert start("B")("GET", "warehouse_saved_query_folders/").json()["detail"] == "Endpoint not found."
