"""The remote people and their keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

DOMAIN = "harborgoods.example"
PROJECT_ID = 1
OTHER_PROJECT_ID = 2  # exists, but nobody here is a member of it
ORGANIZATION = {"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, DOMAIN)), "name": "Harbor Goods", "slug": "harbor-goods"}


@dataclass(frozen=True)
class Person:
    id: int
    first_name: str
    last_name: str
    role: str
    member: bool = True
    level: str = "editor"  # what C and D servers let this person do: viewer, editor or manager

    @property
    def email(self) -> str:
        return f"{self.first_name.lower()}@{DOMAIN}"

    @lru_cache(maxsize=16)  # noqa: B019 - the people are few and live as long as the process
    def basic(self) -> dict[str, Any]:
        """The user object inside other objects; shared, so copy before changing."""
        return {
            "id": self.id,
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, self.email)),
            "distinct_id": uuid.uuid5(uuid.NAMESPACE_URL, self.email).hex,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "is_email_verified": True,
            "hedgehog_config": None,
            "role_at_organization": self.role,
        }


PEOPLE = {
    person.id: person
    for person in (
        Person(1, "Ana", "Ruiz", "data", level="manager"),
        Person(2, "Ben", "Okafor", "engineering"),
        Person(3, "Chiara", "Lindqvist", "data"),
        Person(4, "Dmitri", "Haas", "product"),
        Person(5, "Emeka", "Sato", "marketing", level="viewer"),
        Person(6, "Portal", "Service", "other"),
        Person(7, "Oskar", "Elsewhere", "other", member=False),
    )
}


def find_person(who: str) -> Person:
    """By e-mail address or first name; raises KeyError."""
    wanted = who.split("@")[0].lower()
    for person in PEOPLE.values():
        if person.first_name.lower() == wanted:
            return person
    raise KeyError(f"no such person in the sandbox: {who}")


@dataclass
class ApiKey:
    value: str = field(repr=False)
    person_id: int
    label: str
    scopes: list[str]
    scoped_teams: list[int] = field(default_factory=list)
    revoked: bool = False

    @property
    def person(self) -> Person:
        return PEOPLE[self.person_id]

    def allows(self, scope: str) -> bool:
        """Write implies read for the same object."""
        return "*" in self.scopes or scope in self.scopes or scope.replace(":read", ":write") in self.scopes


FULL_KEY = "phx_sandbox_full"
READ_SCOPES = [
    "warehouse_view:read",
    "warehouse_table:read",
    "activity_log:read",
    "query:read",
    "user:read",
    "project:read",
]
WORK_SCOPES = [
    "warehouse_view:write",
    "warehouse_table:write",
    "activity_log:read",
    "query:read",
    "user:read",
    "project:read",
]


def demo_keys() -> dict[str, ApiKey]:
    """Fresh copies of the keys every sandbox knows; they open nothing but a sandbox."""
    keys = [
        ApiKey(FULL_KEY, 6, "portal", ["*"]),
        ApiKey("phx_sandbox_read", 6, "read only", list(READ_SCOPES)),
        ApiKey("phx_sandbox_views", 3, "views only", ["warehouse_view:read"]),
        ApiKey("phx_sandbox_elsewhere", 2, "other project", ["*"], [OTHER_PROJECT_ID]),
        ApiKey("phx_sandbox_here", 2, "this project", ["*"], [PROJECT_ID]),
        ApiKey("phx_sandbox_outsider", 7, "not a member", ["*"]),
    ]
    keys += [
        ApiKey(f"phx_sandbox_{PEOPLE[n].first_name.lower()}", n, "own key", list(WORK_SCOPES)) for n in range(1, 6)
    ]
    return {key.value: key for key in keys}
