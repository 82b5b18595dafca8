"""What an error of PostHog means to the person who asked, in a sentence that says what to do."""

from __future__ import annotations

from warehouse_admin.posthog import errors


def sentence(error: errors.PostHogError, noun: str = "view", *, credential: str = "connection") -> str:
    """One or two sentences about a view or another `noun`; PostHog's own words are quoted as they came.

    `credential` says whose key it was.
    """
    said = f" PostHog says: {error.detail}" if error.detail else ""
    if isinstance(error, errors.InvalidKey) and credential != "connection":
        return f"PostHog rejected {credential}'s own API key (401). {credential} has to store a valid one first."
    if isinstance(error, errors.InvalidKey):
        return "PostHog rejected the API key (401). An administrator has to store a valid one first."
    if isinstance(error, errors.MissingScope):
        return f"The API key lacks the scope {error.scope}. Add it in PostHog first."
    if isinstance(error, errors.ActionNotForKeys):
        return "This PostHog server offers the action to no API key; a person has to do it in PostHog itself."
    if isinstance(error, errors.PermissionDenied):
        return f"PostHog does not let this key do that.{said}"
    if isinstance(error, errors.NotFound):
        return (
            f"The {noun} no longer exists in PostHog." if error.object_missing else f"PostHog knows no such path.{said}"
        )
    if isinstance(error, errors.Conflict):
        return f"Somebody edited the {noun} in PostHog at the same moment, so PostHog saved nothing."
    if isinstance(error, errors.RateLimited):
        return "PostHog's rate limit is used up; this waits and then goes on by itself."
    if isinstance(error, errors.NotSent):
        return f"PostHog could not be reached, so nothing was sent. {error.detail}".strip()
    if isinstance(error, errors.Unreachable):
        return f"PostHog gave no answer. {error.detail}".strip()
    if isinstance(error, errors.ServerError):
        return f"PostHog failed with {error.status}.{said}"
    if isinstance(error, errors.BadAnswer):
        return f"PostHog's answer could not be understood. {error.detail}".strip()
    return f"PostHog refused it ({error.status}).{said}" if error.status else f"PostHog refused it.{said}"
