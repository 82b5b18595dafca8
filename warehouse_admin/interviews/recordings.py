"""Recordings on their way: written to disk while they arrive, kept until PostHog has answered, then removed.

Under `VAR_DIR/uploads/interviews/`. Web processes write there and workers read, so they need the same `VAR_DIR`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from math import ceil
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.interviews import audio
from warehouse_admin.interviews.errors import TooLarge

FIELD = "audio"
LEFT_OVER = 3600.0
"""Seconds after which a file that belongs to no upload is one that a killed process left."""


def folder() -> Path:
    """Nobody but the portal's own user may look into it."""
    path = Path(settings.MEDIA_ROOT) / "interviews"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def limit() -> int:
    """Bytes that a recording may have."""
    return int(settings.INTERVIEW_AUDIO_MAX_BYTES)


class Recording(UploadedFile):
    """What arrived. Its text is size and digest, so that two uploads are the same call only if the recordings are."""

    def __init__(self, file: IO[bytes], *, size: int, sha256: str, head: bytes, is_too_large: bool, name: str) -> None:
        super().__init__(file, name, size=size)
        self.sha256, self.head, self.is_too_large = sha256, head, is_too_large

    def __str__(self) -> str:
        return f"{self.size} bytes {self.sha256}"


class ToDisk(FileUploadHandler):
    """Writes the recording to disk while it arrives, counts and digests it; what is too large or another file is not
    kept, but read to its end, for a browser that is cut off shows no answer."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._is_refused = False
        self._file: Any = None

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        # The whole body with its other fields: what is far beyond the limit is not even begun.
        self._is_refused = content_length > limit() + 1024 * 1024

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._digest, self._size, self._head = hashlib.sha256(), 0, b""
        keeps = self.field_name == FIELD and not self._is_refused
        self._file = tempfile.NamedTemporaryFile(dir=folder(), prefix="arriving-") if keeps else None  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if len(self._head) < audio.HEAD:
            self._head = (self._head + raw_data)[: audio.HEAD]
        if self._size > limit():
            self._drop()
        if self._file is not None:
            self._digest.update(raw_data)
            self._file.write(raw_data)

    def file_complete(self, file_size: int) -> Recording:
        too_large = self._is_refused or file_size > limit()
        file, self._file = self._file, None
        if file is not None:
            file.flush()
            file.seek(0)
        return Recording(
            file,
            size=file_size,
            sha256=self._digest.hexdigest(),
            head=self._head,
            is_too_large=too_large,
            name=(self.file_name or "")[:200],
        )

    def upload_interrupted(self) -> None:
        self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def check(found: Any) -> audio.Format:
    """The format of what was uploaded; InvalidInput or TooLarge says in a sentence why it cannot be sent."""
    if not isinstance(found, Recording):
        raise _refused("Choose the recording: a file of type " + audio.names() + ".")
    if found.is_too_large:
        most = limit() // 1024 // 1024
        told = f"The recording has {_megabytes(found.size or 0, most)} MB; at most {most:,} MB can be sent."
        raise TooLarge(told, errors={FIELD: [told]})
    if not found.size:
        raise _refused("The recording is empty: it has no bytes.")
    kind = audio.format_of(found.head)
    if kind is None:
        raise _refused(f"This file is no recording. Send {audio.names()}.")
    return kind


def _megabytes(size: int, most: int) -> str:
    """Never the limit itself of what is over it: then rounded up, with one decimal."""
    exact = size / 1024 / 1024
    return f"{exact:,.0f}" if round(exact) > most else f"{ceil(exact * 10) / 10:,.1f}"


def _refused(told: str) -> InvalidInput:
    return InvalidInput(told, errors={FIELD: [told]})


def adopt(found: Recording, kind: audio.Format) -> str:
    """Keep the recording after the request has ended; gives the name it has on disk."""
    name = f"{uuid4().hex}{kind.suffix}"
    arrived, kept = found.file.name, folder() / name  # type: ignore[union-attr]
    try:
        os.link(arrived, kept)
    except OSError:  # a file system that knows no second name
        shutil.copyfile(arrived, kept)
        kept.chmod(0o600)
    return name


def remove(name: str) -> None:
    """Does nothing when it is gone already."""
    if name:
        (folder() / Path(name).name).unlink(missing_ok=True)


def remove_left_over(wanted: Collection[str]) -> int:
    """Clear away what killed processes left: files that are no upload's and that nobody has written to for an hour."""
    removed = 0
    for path in folder().iterdir():
        if path.name in wanted:
            continue
        try:
            if time.time() - path.stat().st_mtime > LEFT_OVER:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed
