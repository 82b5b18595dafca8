"""Who may call what, in the order the real server asks."""

from __future__ import annotations

from .errors import forbidden, not_for_keys, not_found, unauthenticated
from .generations import Generation
from .messages import Request
from .people import OTHER_PROJECT_ID, PROJECT_ID, ApiKey
from .world import World

NO_KEY = "Authentication credentials were not provided."
BAD_KEY = "Personal API key found in request {} is invalid."


def authenticate(world: World, request: Request) -> ApiKey:
    """The live key of the request; it may also come in the query string, as on the real server."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    place = "Authorization header"
    if scheme.lower() != "bearer" or not value:
        value, place = request.query.get("personal_api_key", ""), "query string"
    if not value:
        raise unauthenticated("not_authenticated", NO_KEY)
    key = world.keys.get(value.strip())
    if key is None or key.revoked:
        raise unauthenticated("authentication_failed", BAD_KEY.format(place))
    return key


def check_action(generation: Generation, action: str | None) -> str | None:
    """The scope a custom action needs; refuses the ones that no key may call."""
    if action is None:
        return None
    if action not in generation.key_actions:
        raise not_for_keys()
    return generation.key_actions[action]


def check_project(key: ApiKey, project: str) -> None:
    """The project exists and is one this key is not kept out of."""
    number = PROJECT_ID if project == "@current" else int(project) if project.isascii() and project.isdigit() else 0
    if number not in (PROJECT_ID, OTHER_PROJECT_ID):
        raise not_found("Project not found.")
    if key.scoped_teams and number not in key.scoped_teams:
        raise forbidden(f"API key does not have access to the requested project: ID {number}.")


def check_scope(key: ApiKey, scope: str | None) -> None:
    if scope is not None and not key.allows(scope):
        raise forbidden(f"API key missing required scope '{scope}'")


def check_membership(key: ApiKey, project: str) -> None:
    if not key.person.member or project == str(OTHER_PROJECT_ID):
        raise forbidden("You don't have access to the project.")


def check_level(generation: Generation, key: ApiKey, scope: str | None) -> None:
    """Object-level access control, which C and D have."""
    if generation.modern and scope is not None and scope.endswith(":write") and key.person.level == "viewer":
        raise forbidden("You do not have editor access to this resource.")
