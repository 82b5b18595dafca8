"""A request and an answer, free of sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

from .errors import not_a_dictionary, parse_error
from .people import ApiKey, Person

if TYPE_CHECKING:
    from .faults import Fault


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    base_url: str = ""
    params: dict[str, str] = field(default_factory=dict)
    key: ApiKey | None = None
    fault: Fault | None = None

    @property
    def person(self) -> Person:
        """Whose key this is; only on requests that passed authentication."""
        if self.key is None:
            raise RuntimeError("the request was not authenticated")
        return self.key.person

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise parse_error(str(error)) from error
        if not isinstance(value, dict):
            raise not_a_dictionary(value)
        return value

    def has_fault(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind

    def multipart(self) -> tuple[dict[str, list[str]], dict[str, bytes]]:
        """Fields (each a list, as they may repeat) and files of a multipart/form-data body."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode("latin-1")
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        fields: dict[str, list[str]] = {}
        files: dict[str, bytes] = {}
        for part in message.iter_parts() if message.is_multipart() else ():
            name = str(part.get_param("name", "", header="content-disposition"))
            payload = part.get_payload(decode=True)
            if not isinstance(payload, bytes):
                continue
            if part.get_filename() is not None:
                files[name] = payload
            else:
                fields.setdefault(name, []).append(payload.decode("utf-8", "replace"))
        return fields, files


@dataclass
class Response:
    """`body` None is an empty body without a content type; `raw` overrides it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    claimed_length: int | None = None  # a lie about the length, after which the connection ends

    def payload(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()
