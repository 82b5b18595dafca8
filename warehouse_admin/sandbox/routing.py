"""Paths and methods to handlers, with the scope each needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import account, actions, activity, auth, interviews, query, saved_queries, tables
from .errors import ApiError, framework, not_for_keys
from .messages import Request, Response
from .world import World

Handler = Callable[[World, Request], Response]
ROOT = re.compile(r"^/api/(?P<prefix>projects|environments)/(?P<project>[^/]+)/(?P<rest>.+?)/?$")
SUNSET = "Thu, 31 Dec 2026 23:59:59 GMT"


@dataclass(frozen=True)
class Endpoint:
    """`action` names a custom action, whose scope the generation decides; handler None: for signed-in people only."""

    handler: Handler | None
    scope: str | None = None
    action: str | None = None
    modern_only: bool = False


@dataclass(frozen=True)
class Route:
    pattern: re.Pattern[str]
    methods: dict[str, Endpoint]


def _crud(
    name: str, scope: str, many: dict[str, Handler], one: dict[str, Handler], modern: bool = False
) -> list[Route]:
    def endpoints(handlers: dict[str, Handler]) -> dict[str, Endpoint]:
        kinds = {method: "read" if method == "GET" else "write" for method in handlers}
        return {m: Endpoint(h, f"{scope}:{kinds[m]}", modern_only=modern) for m, h in handlers.items()}

    return [
        Route(re.compile(rf"{name}$"), endpoints(many)),
        Route(re.compile(rf"{name}/(?P<id>[^/]+)$"), endpoints(one)),
    ]


def _actions(name: str, handlers: dict[str, tuple[str, Handler | None]]) -> list[Route]:
    return [
        Route(re.compile(rf"{name}/(?P<id>[^/]+)/{action}$"), {method: Endpoint(handler, action=action)})
        for action, (method, handler) in handlers.items()
    ]


_VIEWS = "warehouse_saved_queries"
PROJECT_ROUTES: list[Route] = [
    Route(
        re.compile(rf"{_VIEWS}/resume_schedules$"),
        {"POST": Endpoint(actions.resume_schedules, action="resume_schedules")},
    ),
    Route(
        re.compile(rf"{_VIEWS}/check_incremental$"),
        {"POST": Endpoint(actions.check_incremental, action="check_incremental")},
    ),
    *_crud(
        _VIEWS,
        "warehouse_view",
        {"GET": saved_queries.list_views, "POST": saved_queries.create},
        {
            "GET": saved_queries.retrieve,
            "PATCH": saved_queries.update,
            "PUT": saved_queries.update,
            "DELETE": saved_queries.delete,
        },
    ),
    *_actions(
        _VIEWS,
        {
            "activity": ("GET", activity.view_activity),
            "ancestors": ("POST", actions.ancestors),
            "descendants": ("POST", actions.descendants),
            "cancel": ("POST", actions.cancel),
            "dependencies": ("GET", actions.dependencies),
            "materialize": ("POST", actions.materialize),
            "revert_materialization": ("POST", actions.revert_materialization),
            "run": ("POST", actions.run),
            "run_history": ("GET", actions.run_history),
            "resume": ("POST", actions.resume),
        },
    ),
    *_crud(
        "warehouse_tables",
        "warehouse_table",
        {"GET": tables.list_tables, "POST": tables.create},
        {"GET": tables.retrieve, "PATCH": tables.update, "PUT": tables.update, "DELETE": tables.delete},
    ),
    *_actions(
        "warehouse_tables",
        {"update_schema": ("POST", tables.update_schema), "refresh_schema": ("POST", tables.refresh_schema)},
    ),
    *_crud(
        "user_interviews",
        "user_interview",
        {"GET": interviews.list_interviews, "POST": interviews.create},
        {
            "GET": interviews.retrieve,
            "PATCH": interviews.update,
            "PUT": interviews.update,
            "DELETE": interviews.delete,
        },
    ),
    Route(re.compile(r"data_modeling_jobs/(running|recent)$"), {"GET": Endpoint(None, action="running")}),
    *_crud("data_modeling_jobs", "warehouse_view", {"GET": activity.list_jobs}, {"GET": activity.retrieve_job}),
    Route(re.compile(r"activity_log$"), {"GET": Endpoint(activity.project_activity, "activity_log:read")}),
    Route(re.compile(r"query$"), {"POST": Endpoint(query.run, "query:read")}),
    Route(
        re.compile(r"managed_viewsets/(?P<id>[^/]+)$"),
        {"GET": Endpoint(account.managed_viewset, "warehouse_view:read")},
    ),
    *_crud(
        "warehouse_saved_query_folders",
        "warehouse_view",
        {"GET": account.list_folders, "POST": account.create_folder},
        {"GET": account.retrieve_folder, "PATCH": account.update_folder, "DELETE": account.delete_folder},
        modern=True,
    ),
    Route(re.compile(r"lineage/get_upstream$"), {"GET": Endpoint(None, action="get_upstream")}),
    Route(
        re.compile(r"(warehouse_saved_query_drafts|data_modeling_(nodes|edges|dags))(/.*)?$"),
        {"GET": Endpoint(None, action="session_only")},
    ),
]
GLOBAL_ROUTES: list[Route] = [
    Route(re.compile(r"/api/personal_api_keys/@current$"), {"GET": Endpoint(account.current_key)}),
    Route(re.compile(r"/api/personal_api_keys(/.*)?$"), {"GET": Endpoint(None, action="personal_api_keys")}),
    Route(re.compile(r"/api/users/@me$"), {"GET": Endpoint(account.me, "user:read")}),
    Route(re.compile(r"/api/(projects|environments)$"), {"GET": Endpoint(account.list_projects, "project:read")}),
]
_PROJECT = Route(re.compile(r"$"), {"GET": Endpoint(account.retrieve_project, "project:read")})


def dispatch(world: World, request: Request) -> Response:
    """Answer one request; refusals become answers too."""
    deprecated = world.generation.modern and request.path.startswith("/api/environments")
    try:
        response = _answer(world, request)
    except ApiError as error:
        response = Response(error.status, error.body, dict(error.headers))
    world.commit_log()
    if deprecated:
        successor = request.path.replace("/api/environments", "/api/projects", 1)
        response.headers |= {
            "Deprecation": "true",
            "Link": f'<{successor}>; rel="successor-version"',
            "Sunset": SUNSET,
        }
    return response


def _find(world: World, request: Request) -> tuple[Route, str | None]:
    """The route, and the project in its path; an unknown one is a 404 before anybody asks for a key."""
    path = request.path.rstrip("/")
    project: str | None = None
    routes, rest = GLOBAL_ROUTES, path
    if match := re.match(r"^/api/(?:projects|environments)/([^/]+)$", path):
        return _PROJECT, match.group(1)
    if match := ROOT.match(path):
        routes, rest, project = PROJECT_ROUTES, match["rest"], match["project"]
    for route in routes:
        if (found := route.pattern.match(rest)) and _offered(world, route):
            request.params = {name: value for name, value in found.groupdict().items() if value is not None}
            return route, project
    raise framework(404, "invalid_request", "not_found", "Endpoint not found.")


def _offered(world: World, route: Route) -> bool:
    first = next(iter(route.methods.values()))
    if first.modern_only and not world.generation.modern:
        return False
    return first.action not in ("resume", "check_incremental") or first.action in world.generation.actions


def _answer(world: World, request: Request) -> Response:
    route, project = _find(world, request)
    key = request.key = auth.authenticate(world, request)
    endpoint = route.methods.get(request.method)
    if endpoint is None:
        raise not_for_keys()
    scope = auth.check_action(world.generation, endpoint.action) or endpoint.scope
    if endpoint.handler is None:
        raise not_for_keys()
    if scope is not None and scope.startswith("user_interview:"):
        scope = scope.replace("user_interview", world.generation.interview_object)
    if project is not None:
        auth.check_project(key, project)
    auth.check_scope(key, scope)
    if project is not None:
        auth.check_membership(key, project)
        auth.check_level(world.generation, key, scope)
    _throttle(world, request, endpoint)
    return endpoint.handler(world, request)


def _throttle(world: World, request: Request, endpoint: Endpoint) -> None:
    """Ordinary endpoints share a key's budget; `query/` has its own, and per-view throttles replace it."""
    if world.rate is None or request.key is None:
        return
    if world.generation.modern and endpoint.action in ("run", "materialize", "revert_materialization"):
        return
    minute, hour = world.query_rate if endpoint.handler is query.run else world.rate
    name = "query" if endpoint.handler is query.run else "any"
    world.throttle.spend(f"{name}:{request.key.value}", [(minute, 60), (hour, 3600)], world.now())
