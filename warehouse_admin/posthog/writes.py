"""Every change made in PostHog. Each sends one request, once. Only the mutations gate may import this module.

`client.last_status` holds the answer's status. Empty answers are None. Field values go out byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, BinaryIO, Final
from urllib.parse import quote, quote_plus
from uuid import UUID

from .answers import Created, Folder
from .client import Answer, Client, Timeout
from .multipart import MultipartFile
from .parsing import flag
from .reads import FOLDERS, INTERVIEWS, SAVED_QUERIES, TABLES, Id, path_to
from .types import SavedQuery, UserInterview, WarehouseTable

RESUME_CHUNK = 50
INTERVIEW_TIMEOUT = 300.0


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()
"""Marks a field that is not sent, where None means null."""


def create_saved_query(
    client: Client, *, name: str, hogql: str, description: str | None = None, folder_id: Id | None = None
) -> Created:
    """Make a view. Conflict when the name is taken; an unasked overwrite (200) shows as `was_upsert`."""
    body: dict[str, Any] = {"name": name, "query": _query(hogql)}
    body |= _given(description=description, folder_id=None if folder_id is None else str(folder_id))
    answer = client.request("POST", SAVED_QUERIES, json=body)
    return Created(answer.read(SavedQuery.parse), was_upsert=answer.status != 201)


def update_saved_query(
    client: Client,
    saved_query_id: Id,
    *,
    hogql: str | None = None,
    name: str | None = None,
    sync_frequency: str | None = None,
    edited_history_id: Id | None = None,
    base_query: Mapping[str, Any] | None = None,
    description: str | _Unset | None = UNSET,
    folder_id: Id | _Unset | None = UNSET,
) -> SavedQuery:
    """Change only what is given. Raises Conflict if the query was edited since `edited_history_id`.

    `base_query` is the query object being replaced: its extra keys are kept. The answer's token may be stale: re-read.
    """
    body = _given(name=name, sync_frequency=sync_frequency)
    if hogql is not None:
        body["query"] = _query(hogql, base_query)
        body |= _given(edited_history_id=None if edited_history_id is None else str(edited_history_id))
    if not isinstance(description, _Unset):
        body["description"] = description
    if not isinstance(folder_id, _Unset):
        body["folder_id"] = None if folder_id is None else str(folder_id)
    return _patch(client, path_to(SAVED_QUERIES, saved_query_id), body).read(SavedQuery.parse)


def delete_saved_query(client: Client, saved_query_id: Id) -> None:
    """Delete a view; there is no undelete. NotFound when it is gone already."""
    client.request("DELETE", path_to(SAVED_QUERIES, saved_query_id))


def materialize(client: Client, saved_query_id: Id, *, sync_frequency: str | None = None) -> None:
    """Give a view a table and a schedule. Resets its cadence to 24hour; only D heeds `sync_frequency`."""
    _act(client, saved_query_id, "materialize", _given(sync_frequency=sync_frequency))


def revert_materialization(client: Client, saved_query_id: Id) -> None:
    """Drop a view's table and schedule."""
    _act(client, saved_query_id, "revert_materialization")


def run(client: Client, saved_query_id: Id, *, full_refresh: bool | None = None) -> None:
    """Ask for one run now. Success does not mean that one started."""
    _act(client, saved_query_id, "run", _given(full_refresh=full_refresh))


def cancel(client: Client, saved_query_id: Id) -> None:
    """Ask to stop the running run; Refused when none is."""
    _act(client, saved_query_id, "cancel")


def resume_schedules(client: Client, saved_query_ids: Sequence[Id]) -> None:
    """Un-pause up to 50 schedules. PostHog accepts any ids and tells nothing: re-read each view to know."""
    if not 0 < len(saved_query_ids) <= RESUME_CHUNK:
        raise ValueError(f"Resume between 1 and {RESUME_CHUNK} views at a time.")
    try:
        view_ids = [str(UUID(str(key))) for key in saved_query_ids]
    except ValueError:
        # One malformed id would fail the whole batch.
        raise ValueError("One of these is not the id of a PostHog object.") from None
    client.request("POST", f"{SAVED_QUERIES}resume_schedules/", json={"view_ids": view_ids})


def resume(client: Client, saved_query_id: Id) -> bool | None:
    """Clear one view's suspension (newest servers); whether there was one, None when the server does not say."""
    answer = _act(client, saved_query_id, "resume")
    return flag(answer, "resumed") if isinstance(answer, dict) else None


def create_table(
    client: Client, *, name: str, format: str, url_pattern: str, access_key: str, access_secret: str
) -> WarehouseTable:
    """Link files in a bucket as a table. Slow: PostHog reads the bucket before it answers."""
    body = {"name": name, "format": format, "url_pattern": url_pattern}
    body["credential"] = {"access_key": access_key, "access_secret": access_secret}  # type: ignore[assignment]
    answer = client.request("POST", TABLES, json=body, hide=_spellings(access_key, access_secret))
    return answer.read(WarehouseTable.parse)


def update_table(
    client: Client,
    table_id: Id,
    *,
    name: str | None = None,
    format: str | None = None,
    url_pattern: str | None = None,
    access_key: str | None = None,
    access_secret: str | None = None,
) -> WarehouseTable:
    """Change only what is given. PostHog guards nothing here: the last writer wins."""
    body = _given(name=name, format=format, url_pattern=url_pattern)
    credential = _given(access_key=access_key, access_secret=access_secret)
    if credential:
        body["credential"] = credential
    path = path_to(TABLES, table_id)
    return _patch(client, path, body, hide=_spellings(*credential.values())).read(WarehouseTable.parse)


def delete_table(client: Client, table_id: Id) -> None:
    """Delete a self-managed table; Refused for one that a source keeps."""
    client.request("DELETE", path_to(TABLES, table_id))


def refresh_table_schema(client: Client, table_id: Id) -> None:
    """Let PostHog read a table's columns anew (newest servers only)."""
    client.request("POST", path_to(TABLES, table_id, "refresh_schema"), json={})


def update_table_schema(client: Client, table_id: Id, updates: Mapping[str, str]) -> None:
    """Set the types of some columns of a self-managed table."""
    if not updates:
        raise ValueError("Nothing to change was given.")
    client.request("POST", path_to(TABLES, table_id, "update_schema"), json={"updates": dict(updates)})


def create_interview(
    client: Client,
    *,
    audio: BinaryIO,
    filename: str,
    content_type: str,
    interviewee_emails: Sequence[str],
    timeout: Timeout = INTERVIEW_TIMEOUT,
) -> UserInterview:
    """Upload a recording from a seekable file, streamed. Takes minutes: PostHog transcribes it before it answers."""
    if not interviewee_emails:
        raise ValueError("Give at least one interviewee.")
    emails = [("interviewee_emails", email) for email in interviewee_emails]
    body = MultipartFile(emails, "audio", audio, filename, content_type)
    kind = {"Content-Type": body.content_type}
    hidden = tuple(interviewee_emails)
    answer = client.request("POST", INTERVIEWS, data=body, headers=kind, timeout=timeout, hide=hidden)
    return answer.read(UserInterview.parse)


def update_interview(
    client: Client,
    interview_id: Id,
    *,
    summary: str | None = None,
    interviewee_emails: Sequence[str] | None = None,
    classifications: Any = None,
) -> UserInterview:
    """Change only what is given; the transcript cannot be changed."""
    emails = None if interviewee_emails is None else list(interviewee_emails)
    body = _given(summary=summary, interviewee_emails=emails, classifications=classifications)
    hidden = tuple(emails or ())
    return _patch(client, path_to(INTERVIEWS, interview_id), body, hide=hidden).read(UserInterview.parse)


def delete_interview(client: Client, interview_id: Id) -> None:
    """Delete a user interview for good."""
    client.request("DELETE", path_to(INTERVIEWS, interview_id))


def create_folder(client: Client, *, name: str) -> Folder:
    """Make a folder for views (newer servers)."""
    return client.request("POST", FOLDERS, json={"name": name}).read(Folder.parse)


def update_folder(client: Client, folder_id: Id, *, name: str) -> Folder:
    """Rename a folder."""
    return _patch(client, path_to(FOLDERS, folder_id), {"name": name}).read(Folder.parse)


def delete_folder(client: Client, folder_id: Id) -> None:
    """Delete a folder and, with it, every view inside."""
    client.request("DELETE", path_to(FOLDERS, folder_id))


def _query(hogql: str, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {**(base or {}), "kind": "HogQLQuery", "query": hogql}


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _spellings(*secrets: str) -> tuple[str, ...]:
    """As errors of a storage may quote them: plain, or as part of an address, of XML or of JSON. The longest first."""
    found = {
        spelled
        for secret in secrets
        for spelled in (secret, quote(secret, safe=""), quote_plus(secret), escape(secret), json.dumps(secret)[1:-1])
    }
    return tuple(sorted(found, key=len, reverse=True))


def _patch(client: Client, path: str, body: dict[str, Any], *, hide: Sequence[str] = ()) -> Answer:
    if not body:
        raise ValueError("Nothing to change was given.")
    return client.request("PATCH", path, json=body, hide=hide)


def _act(client: Client, saved_query_id: Id, action: str, body: dict[str, Any] | None = None) -> Any:
    return client.request("POST", path_to(SAVED_QUERIES, saved_query_id, action), json=body or {}).data
