"""The sandbox's interviews in the mirror, recordings, and ways to upload them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.interviews import services
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.interviews.recordings import ToDisk, folder
from warehouse_admin.sandbox.server import SandboxServer

MP3 = b"ID3\x04" + bytes(2_000)
PEOPLE = ["Ida Roth <ida@mail.example>", "bo@mail.example"]
PATH = "user_interviews"


_arrived: list[Any] = []


@pytest.fixture(autouse=True)
def recordings_folder(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A folder of the test's own, so that what is left in it is seen."""
    settings.MEDIA_ROOT = tmp_path
    yield folder()
    while _arrived:
        _arrived.pop().close()


@pytest.fixture
def interviews(connection: Connection) -> list[Interview]:
    """The sandbox's three, mirrored, the newest first."""
    services.read_all(connection)
    return list(Interview.objects.order_by("-remote_created_at"))


def arrived(data: bytes = MP3) -> Any:
    """A recording as it is when the request that brought it has been read."""
    handler = ToDisk()
    handler.handle_raw_input(None, {}, len(data), b"")
    handler.new_file("audio", "talk with ida.mp3", "audio/mpeg", len(data))
    for start in range(0, len(data), 65_536):
        handler.receive_data_chunk(data[start : start + 65_536], start)
    found = handler.file_complete(len(data))
    if found.file is not None:
        _arrived.append(found)  # a request closes its files when it ends
    return found


def sent_file(data: bytes = MP3, name: str = "talk.mp3") -> SimpleUploadedFile:
    """A file for the test client to send."""
    return SimpleUploadedFile(name, data, "audio/mpeg")


@pytest.fixture
def upload(connection: Connection, author: User) -> Callable[..., Write]:
    """Ask for an upload; nothing is sent yet."""

    def ask(emails: list[str] = PEOPLE, **more: Any) -> Write:
        given = {"user": author, "connection": connection, "recording": arrived(), "emails": emails}
        return services.create(**{**given, **more})

    return ask


def kept_files() -> list[str]:
    names = [path.name for path in (Path(settings.MEDIA_ROOT) / "interviews").iterdir()]
    return sorted(name for name in names if not _arrived or not name.startswith("arriving-"))


def posts(sandbox: SandboxServer) -> int:
    """How many uploads reached the server."""
    return len(sandbox.world.requests_to(PATH, "POST"))


def results(action: str) -> list[str]:
    """How the trail tells of an action, oldest entry first."""
    return list(AuditEntry.objects.filter(action=action).order_by("sequence").values_list("result", flat=True))


def uploaded(sandbox: SandboxServer) -> list[Any]:
    """What the server holds for those people."""
    return [item for item in sandbox.world.interviews.values() if item.interviewee_emails == PEOPLE]
