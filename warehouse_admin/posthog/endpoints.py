"""Every endpoint of PostHog that is documented or asked: what the portal uses it for, or why it does not.

Kept by hand; a test holds it against what the sandbox answers, another against what `reads` and `writes` ask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final


@dataclass(frozen=True)
class Endpoint:
    """`path` is below the project unless it begins with a slash. `pages` of PostHog's reference document it.

    `capability` is the action of `capabilities` that tells whether a key may; empty where there is none.
    """

    method: str
    path: str
    capability: str
    use: str
    pages: tuple[str, ...] = ()
    is_used: bool = True

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def group(self) -> str:
        """The resource it belongs to."""
        return next((label for start, label in GROUPS if self.path.startswith(start)), "Everything around")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r":[a-z_]+", "[^/]+", self.path.rstrip("/")) + "/?")


VIEWS, TABLES, INTERVIEWS = "warehouse_saved_queries/", "warehouse_tables/", "user_interviews/"
FOLDERS = "warehouse_saved_query_folders/"
GROUPS: Final = (
    (VIEWS, "Views"),
    (TABLES, "Warehouse tables"),
    (INTERVIEWS, "User interviews"),
    (FOLDERS, "Folders of views"),
)
ACTIONS, CRUD = "environments-25", "environments-27"
"""The two pages of PostHog's reference."""
BOTH = (ACTIONS, CRUD)
SAME_AS_PATCH = "Not used: PATCH changes only what was approved, and PUT would send all fields."


def _unused(method: str, path: str, capability: str, why: str) -> Endpoint:
    return Endpoint(method, path, capability, why, is_used=False)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint("GET", VIEWS, "list", "The list of views, read by every sync; names are looked up in it.", (CRUD,)),
    Endpoint("POST", VIEWS, "write", "Creates a view that was approved, once its name was found to be free.", (CRUD,)),
    Endpoint("GET", f"{VIEWS}:id/", "detail", "The SQL and token of a view: for news, before and after writes.", BOTH),
    Endpoint(
        "PATCH",
        f"{VIEWS}:id/",
        "write",
        "Applies approved SQL, names, cadences, descriptions and folders. The fields deleted and soft_update are never "
        "sent: one deletes by halves, the other overwrites what others did.",
        BOTH,
    ),
    _unused("PUT", f"{VIEWS}:id/", "write", SAME_AS_PATCH),
    Endpoint("DELETE", f"{VIEWS}:id/", "write", "Deletes a view after review, dependents shown.", (ACTIONS,)),
    Endpoint("GET", f"{VIEWS}:id/activity/", "activity", "Who edited a view, where a sync met news of it.", (ACTIONS,)),
    Endpoint(
        "POST",
        f"{VIEWS}:id/ancestors/",
        "ancestors",
        "What a view reads in PostHog's own graph, compared on its Lineage tab with what was parsed.",
        (ACTIONS,),
    ),
    Endpoint("POST", f"{VIEWS}:id/descendants/", "descendants", "The same for what reads the view.", (ACTIONS,)),
    Endpoint(
        "GET",
        f"{VIEWS}:id/dependencies/",
        "dependencies",
        "How many immediate neighbours PostHog counts, compared there too.",
        (ACTIONS,),
    ),
    Endpoint("POST", f"{VIEWS}:id/cancel/", "cancel", "Cancels a run, with a reason.", (ACTIONS,)),
    Endpoint("POST", f"{VIEWS}:id/materialize/", "materialize", "Materializes a view after review.", (ACTIONS,)),
    Endpoint(
        "POST",
        f"{VIEWS}:id/revert_materialization/",
        "revert_materialization",
        "Takes a materialization back after review.",
        (ACTIONS,),
    ),
    Endpoint("POST", f"{VIEWS}:id/run/", "run", "Starts runs, one or many, with a reason.", (ACTIONS,)),
    Endpoint(
        "GET",
        f"{VIEWS}:id/run_history/",
        "run_history",
        "The last five runs of a view, where the feed of runs is refused; both are kept as one history.",
        (ACTIONS,),
    ),
    Endpoint(
        "POST",
        f"{VIEWS}resume_schedules/",
        "resume_schedules",
        "Resumes schedules in chunks of fifty; each view is watched afterwards, as the answer tells nothing.",
        (ACTIONS,),
    ),
    _unused(
        "POST",
        f"{VIEWS}:id/resume/",
        "resume",
        "Not used: resume_schedules does the same for one view and for many, on every server that lets keys resume.",
    ),
    _unused(
        "POST", f"{VIEWS}check_incremental/", "", "Not used: nothing here proposes incremental materializations yet."
    ),
    Endpoint("GET", TABLES, "tables", "The list of tables, read by every sync.", (ACTIONS,)),
    Endpoint(
        "POST", TABLES, "tables_write", "Links the files of a bucket after review; keys are sent once.", (ACTIONS,)
    ),
    Endpoint("GET", f"{TABLES}:id/", "tables", "One table: before and after every write of it.", (ACTIONS,)),
    Endpoint("PATCH", f"{TABLES}:id/", "tables_write", "Changes name, format, pattern or keys after review."),
    _unused("PUT", f"{TABLES}:id/", "tables_write", SAME_AS_PATCH),
    Endpoint("DELETE", f"{TABLES}:id/", "tables_write", "Deletes a table of one's own after review."),
    Endpoint("POST", f"{TABLES}:id/refresh_schema/", "refresh_schema", "Has columns read anew after review."),
    Endpoint("POST", f"{TABLES}:id/update_schema/", "update_schema", "Changes column types after review."),
    Endpoint("GET", INTERVIEWS, "interviews", "The list of interviews, for those who may see them.", (CRUD,)),
    Endpoint(
        "POST", INTERVIEWS, "interviews_write", "Uploads a recording; a lost answer is settled by listing.", (CRUD,)
    ),
    Endpoint("GET", f"{INTERVIEWS}:id/", "interviews", "One interview: before and after every write of it.", (CRUD,)),
    Endpoint("PATCH", f"{INTERVIEWS}:id/", "interviews_write", "Changes summary and interviewees.", (CRUD,)),
    _unused("PUT", f"{INTERVIEWS}:id/", "interviews_write", SAME_AS_PATCH),
    Endpoint("DELETE", f"{INTERVIEWS}:id/", "interviews_write", "Deletes an interview for good.", (CRUD,)),
    Endpoint("GET", FOLDERS, "folders", "The folders that views are in, read by every sync."),
    _unused("GET", f"{FOLDERS}:id/", "folders", "Not used: the list says the same of all folders in one answer."),
    _unused("POST", FOLDERS, "folders_write", "Not used: folders are made in PostHog; views are moved to them here."),
    _unused("PATCH", f"{FOLDERS}:id/", "folders_write", "Not used: folders are renamed in PostHog."),
    _unused(
        "DELETE",
        f"{FOLDERS}:id/",
        "folders_write",
        "Not used: it deletes every view in the folder without asking, which no review could show.",
    ),
    Endpoint("GET", "data_modeling_jobs/", "jobs", "The feed of runs, read by every sync and while runs are watched."),
    _unused("GET", "data_modeling_jobs/:id/", "jobs", "Not used: the feed tells the same of every run."),
    Endpoint("GET", "activity_log/", "activity_log", "Who did what in PostHog, read by every sync for the inbox."),
    Endpoint("POST", "query/", "validate", "Checks a text while it is typed, and previews its first rows."),
    _unused("GET", "managed_viewsets/:kind/", "managed_viewset", "Not used: each view says which viewset manages it."),
    Endpoint("GET", "/api/personal_api_keys/@current/", "", "What the key may do: the check of a connection."),
    Endpoint("GET", "/api/users/@me/", "user", "Whose key somebody stores on the settings page."),
    _unused("GET", "/api/projects/", "projects", "Not used: the project is named by whoever adds the connection."),
    _unused(
        "GET", "/api/projects/:project_id/", "projects", "Not used: other answers prove that the project is there."
    ),
)
_BELOW_PROJECT = re.compile(r"/api/(?:projects|environments)/[^/]+/(?P<rest>.+)")


def documented() -> list[Endpoint]:
    """Those of the two pages of PostHog's reference."""
    return [endpoint for endpoint in ENDPOINTS if endpoint.pages]


def matching(method: str, path: str) -> Endpoint | None:
    """The endpoint that a request with this full path asks; None for one that is not listed."""
    below = _BELOW_PROJECT.fullmatch(path)
    asked = below["rest"] if below else path
    found = [one for one in ENDPOINTS if one.method == method.upper() and one.pattern.fullmatch(asked)]
    # `resume_schedules` is no id.
    return min(found, key=lambda one: one.path.count(":"), default=None)
