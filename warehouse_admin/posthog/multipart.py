"""A multipart body that is read from a file while it is sent, so that an hour of audio never sits in memory."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from io import BytesIO
from typing import BinaryIO

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\x00": ""})
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


class MultipartFile:
    """Form fields and one file as a readable stream of known length (`len`, in bytes). Readable once."""

    def __init__(self, fields: Iterable[tuple[str, str]], name: str, file: BinaryIO, filename: str, kind: str) -> None:
        if not _MEDIA_TYPE.fullmatch(kind):
            raise ValueError("This is not a media type.")
        boundary = secrets.token_hex(16)
        head = "".join(_part(boundary, field) + f"\r\n{value}\r\n" for field, value in fields)
        shown = filename.translate(_ESCAPES)
        head += f'{_part(boundary, name)[:-2]}; filename="{shown}"\r\nContent-Type: {kind}\r\n\r\n'
        tail = f"\r\n--{boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._pieces: list[BinaryIO] = [BytesIO(head.encode("utf-8", "replace")), file, BytesIO(tail)]
        self.len = sum(_remaining(piece) for piece in self._pieces)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        while self._pieces:
            if chunk := self._pieces[0].read(size):
                return chunk
            self._pieces.pop(0)
        return b""

    def __iter__(self) -> Iterable[bytes]:
        return iter(lambda: self.read(64 * 1024), b"")


def _part(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"\r\n'


def _remaining(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end - here
