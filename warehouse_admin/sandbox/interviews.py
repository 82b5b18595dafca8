"""`user_interviews/`: multipart creation, hard deletes, audio that never comes back."""

from __future__ import annotations

import re
from typing import Any

from .clock import iso
from .errors import forbidden, invalid, not_found, required, unhandled
from .messages import Request, Response
from .models import Interview
from .pagination import by_offset
from .shapes import user
from .world import World

EMAIL = re.compile(r"^(?:[^<>]*<)?[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+>?$")
NO_FLAG = "This action requires feature flag 'user-interviews' to be enabled for your organization."
NOT_A_FILE = "The submitted data was not a file. Check the encoding type on the form."


def shape(world: World, item: Interview) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": item.id,
        "created_by": user(item.created_by),
        "created_at": iso(item.created_at),
        "interviewee_emails": item.interviewee_emails,
        "transcript": item.transcript,
        "summary": item.summary,
    }
    if world.generation.modern:
        shown |= {"interviewee_identifier": None, "topic": item.topic, "classifications": item.classifications}
    return shown


def require_product(world: World) -> None:
    """Newer servers hide the product behind a flag of the organisation."""
    if world.generation.modern and not world.has_interviews:
        raise forbidden(NO_FLAG)


def find(world: World, request: Request) -> Interview:
    require_product(world)
    item = world.interviews.get(request.params["id"].lower())
    if item is None:
        raise not_found()
    return item


def list_interviews(world: World, request: Request) -> Response:
    require_product(world)
    rows = sorted(world.interviews.values(), key=lambda item: (-item.created_at, item.id))
    return Response(200, by_offset(request, rows, lambda item: shape(world, item)))


def retrieve(world: World, request: Request) -> Response:
    return Response(200, shape(world, find(world, request)))


def create(world: World, request: Request) -> Response:
    require_product(world)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        if "audio" in request.json():
            raise invalid(NOT_A_FILE, "audio")
        raise invalid("No file was submitted.", "audio", "required")
    fields, files = request.multipart()
    if "audio" not in files:
        if "audio" in fields:
            raise invalid(NOT_A_FILE, "audio")
        raise invalid("No file was submitted.", "audio", "required")
    if not files["audio"]:
        raise invalid("The submitted file is empty.", "audio", "empty")
    if "interviewee_emails" not in fields:
        raise unhandled()
    emails = _checked_emails(fields["interviewee_emails"])
    item = Interview(world.new_id(), request.person.id, world.now(), emails, "", "")
    item.transcript = f"Interviewer: Thank you for joining. ({len(files['audio'])} bytes of audio were transcribed.)"
    item.summary = f"A conversation with {', '.join(emails)}."
    world.interviews[item.id] = item
    world.wrote(item.id)
    return Response(201, shape(world, item))


def update(world: World, request: Request) -> Response:
    """`transcript` is read-only, `audio` is accepted and ignored."""
    item = find(world, request)
    body = _fields(request)
    if request.method == "PUT" and "interviewee_emails" not in body:
        raise required("interviewee_emails")
    if "interviewee_emails" in body:
        item.interviewee_emails = _checked_emails(body["interviewee_emails"])
    if "summary" in body:
        item.summary = str(body["summary"] or "").strip()
    if world.generation.modern and isinstance(body.get("classifications"), list):
        item.classifications = [str(value) for value in body["classifications"]]
    world.wrote(item.id)
    return Response(200, shape(world, item))


def delete(world: World, request: Request) -> Response:
    item = find(world, request)
    del world.interviews[item.id]
    world.wrote(item.id)
    return Response(204)


def _fields(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return request.json()
    fields, _ = request.multipart()
    return {name: values if name == "interviewee_emails" else values[-1] for name, values in fields.items()}


def _checked_emails(values: Any) -> list[str]:
    if not isinstance(values, list):
        text = f'Expected a list of items but got type "{type(values).__name__}".'
        raise invalid(text, "interviewee_emails", "not_a_list")
    for position, value in enumerate(values):
        if not isinstance(value, str) or not EMAIL.match(value.strip()):
            raise invalid("Enter a valid email address.", f"interviewee_emails__{position}")
    return [value.strip() for value in values]
