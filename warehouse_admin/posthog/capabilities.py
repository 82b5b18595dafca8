"""What a connection may do, action by action: foretold from its key, corrected by what PostHog really answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from . import errors
from .answers import KeyInfo

State = Literal["yes", "no", "unknown"]

VIEWS_READ, VIEWS_WRITE = "warehouse_view:read", "warehouse_view:write"
TABLES_READ, TABLES_WRITE = "warehouse_table:read", "warehouse_table:write"
OLD_INTERVIEWS, NEW_INTERVIEWS = "user_interview_DO_NOT_USE", "user_interview"
EVERY = "ABCD"
NO_FOLDERS = "This PostHog server has no folders for views."
NO_DESCRIPTIONS = "This PostHog server keeps no descriptions of views."


@dataclass(frozen=True)
class Capability:
    """Whether an action is offered, and a sentence. `cause`: "", unsupported, scope, project, access or plan."""

    state: State
    reason: str = ""
    cause: str = ""

    def to_dict(self) -> dict[str, str]:
        """A plain dict for storage; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Capability:
        """What `to_dict` stored; an unknown state reads as unknown."""
        state = stored.get("state")
        known: State = state if state in {"yes", "no"} else "unknown"
        return cls(known, str(stored.get("reason") or ""), str(stored.get("cause") or ""))


@dataclass(frozen=True)
class _Action:
    """The words for an action, the scope it needs, and the generations that offer it to keys."""

    words: str
    scope: str
    generations: str = EVERY
    doubtful: str = ""
    """Generations where scope and server are not enough to be sure: a flag or a paid plan may forbid it."""
    absent: str = ""
    """Why other generations offer it to nobody, in a sentence; empty where a person signed in to PostHog can do it."""


_ACTIONS: Final[dict[str, _Action]] = {
    "list": _Action("list views", VIEWS_READ),
    "detail": _Action("read a view", VIEWS_READ),
    "write": _Action("create, edit and delete views", VIEWS_WRITE),
    "activity": _Action("read a view's activity", "activity_log:read"),
    "activity_log": _Action("read the project's activity log", "activity_log:read", doubtful="CD"),
    "jobs": _Action("read runs", VIEWS_READ),
    "run": _Action("start a run", VIEWS_WRITE, "CD"),
    "materialize": _Action("materialize a view", VIEWS_WRITE, "CD"),
    "revert_materialization": _Action("undo a materialization", VIEWS_WRITE, "CD"),
    "resume_schedules": _Action("resume schedules", VIEWS_WRITE, "CD"),
    "resume": _Action("clear a view's suspension", VIEWS_WRITE, "D"),
    "run_history": _Action("read a view's last runs", VIEWS_READ, "CD"),
    "cancel": _Action("cancel a run", VIEWS_WRITE, "C"),
    "ancestors": _Action("read what a view selects from", VIEWS_READ, "C"),
    "descendants": _Action("read what selects from a view", VIEWS_READ, "C"),
    "dependencies": _Action("count a view's neighbours", VIEWS_READ, "C"),
    "validate": _Action("check a query", "query:read"),
    "preview": _Action("preview a query", "query:read"),
    "tables": _Action("read warehouse tables", TABLES_READ),
    "tables_write": _Action("create, edit and delete warehouse tables", TABLES_WRITE),
    "refresh_schema": _Action("refresh a table's columns", TABLES_WRITE, "D"),
    "update_schema": _Action("change a table's column types", TABLES_WRITE, ""),
    "interviews": _Action("read user interviews", "{interviews}:read", doubtful=EVERY),
    "interviews_write": _Action("create, edit and delete user interviews", "{interviews}:write", doubtful=EVERY),
    "folders": _Action("read folders of views", VIEWS_READ, "CD", absent=NO_FOLDERS),
    "folders_write": _Action("create, rename and delete folders of views", VIEWS_WRITE, "CD", absent=NO_FOLDERS),
    "describe": _Action("describe views", VIEWS_WRITE, "CD", absent=NO_DESCRIPTIONS),
    "file": _Action("move views to folders", VIEWS_WRITE, "CD", absent=NO_FOLDERS),
    "managed_viewset": _Action("read managed views", VIEWS_READ),
    "user": _Action("read whose key it is", "user:read"),
    "projects": _Action("read projects", "project:read"),
}

ACTIONS: Final = tuple(_ACTIONS)


def words_of(action: str) -> str:
    """What an action is, for people: "start a run"."""
    known = _ACTIONS.get(action)
    return known.words if known else action.replace("_", " ")


"""Every action there is a capability for."""


def from_key(key: KeyInfo, generation: str | None, project_id: int | str | None = None) -> dict[str, Capability]:
    """What the key and the server's generation ("A" to "D", None: not known yet) promise for each action."""
    if _is_elsewhere(key, project_id):
        refused = Capability("no", f"The API key is limited to other projects than {project_id}.", "project")
        return {name: refused if name != "user" else _foretell(_ACTIONS[name], key, generation) for name in ACTIONS}
    return {name: _foretell(action, key, generation) for name, action in _ACTIONS.items()}


def learn(action: str, error: errors.PostHogError | None) -> Capability:
    """What an answer to `action` (None: it succeeded) says about it; unknown when it says nothing."""
    words = _ACTIONS[action].words
    match error:
        case None:
            return Capability("yes")
        case errors.ActionNotForKeys():
            return _unsupported(words)
        case errors.MissingScope():
            return _lacks(error.scope or _ACTIONS[action].scope, words)
        case errors.ProjectRestricted():
            return Capability("no", "The API key is limited to other projects.", "project")
        case errors.AccessDenied():
            return _denied(error, words)
        case errors.InvalidKey():
            return Capability("no", "PostHog does not accept the API key.", "access")
        case errors.NotFound() if error.endpoint_missing:
            return Capability("no", f"This PostHog server is too old or too new to {words}.", "unsupported")
        case errors.Refused() if error.status == 402:
            return Capability("no", f"PostHog asks for a paid plan to {words}.", "plan")
        case errors.Conflict():
            return Capability("yes")
        case errors.NotFound() if error.object_missing:
            return Capability("yes")
        case errors.Refused() if error.status == 400 and error.code != "parse_error":
            # Rules for the content are looked at only after the key was let through.
            return Capability("yes")
    return Capability("unknown", f"PostHog's last answer does not tell whether the key may {words}.")


def remember(known: Mapping[str, Capability], action: str, error: errors.PostHogError | None) -> dict[str, Capability]:
    """`known` with what an answer to `action` taught; an answer that says nothing changes nothing."""
    learned = learn(action, error)
    if learned.state == "unknown" and action in known:
        return dict(known)
    return {**known, action: learned}


def to_dict(capabilities: Mapping[str, Capability]) -> dict[str, dict[str, str]]:
    """Plain dicts, fit for JSON."""
    return {action: capability.to_dict() for action, capability in capabilities.items()}


def from_dict(stored: Mapping[str, Any]) -> dict[str, Capability]:
    """What `to_dict` made; actions that no longer exist are left out."""
    return {
        action: Capability.from_dict(stored[action]) for action in ACTIONS if isinstance(stored.get(action), Mapping)
    }


def _is_elsewhere(key: KeyInfo, project_id: int | str | None) -> bool:
    if not key.scoped_teams or project_id is None or not str(project_id).isdigit():
        return False
    return int(project_id) not in key.scoped_teams


def _foretell(action: _Action, key: KeyInfo, generation: str | None) -> Capability:
    if not action.generations or (generation is not None and generation not in action.generations):
        return Capability("no", action.absent, "unsupported") if action.absent else _unsupported(action.words)
    if action.scope == "project:read" and key.scoped_teams:
        return Capability("no", "A key that is limited to some projects cannot list them.", "project")
    scopes = _scopes(action, generation)
    if not any(key.grants(scope) for scope in scopes):
        return _lacks(scopes[-1], action.words)
    if generation is None and action.generations != EVERY:
        return Capability("unknown", f"Not every PostHog server lets API keys {action.words}; it was not tried yet.")
    if (generation or "D") in action.doubtful:
        return Capability("unknown", f"PostHog may ask for a plan or a feature to {action.words}; not tried yet.")
    return Capability("yes")


def _scopes(action: _Action, generation: str | None) -> list[str]:
    """Scopes that would do, the one to ask for last."""
    if "{interviews}" not in action.scope:
        return [action.scope]
    names = {None: [OLD_INTERVIEWS, NEW_INTERVIEWS], "A": [OLD_INTERVIEWS], "B": [OLD_INTERVIEWS]}
    return [action.scope.format(interviews=name) for name in names.get(generation, [NEW_INTERVIEWS])]


def _unsupported(words: str) -> Capability:
    text = f"This PostHog server does not let API keys {words}; only a person signed in to PostHog can."
    return Capability("no", text, "unsupported")


def _lacks(scope: str, words: str) -> Capability:
    return Capability("no", f"The API key may not {words}: add the scope {scope} to it in PostHog.", "scope")


def _denied(error: errors.AccessDenied, words: str) -> Capability:
    said = error.detail[:300]
    if "access to this resource" in said:
        # Said of one object, which must not switch the action off for all others.
        return Capability("unknown", f"PostHog's access control refused to {words} for one object: {said}", "access")
    return Capability("no", f"PostHog does not let the key's owner {words}: {said}", "access")
