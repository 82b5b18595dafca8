"""What went wrong with a sync, in a sentence that says what to do."""

from __future__ import annotations

from warehouse_admin.accounts.budget import BudgetUnreadable
from warehouse_admin.posthog import errors


def in_words(error: errors.PostHogError) -> str:
    """A sentence for the sync page; remote text in it is bounded by the error itself."""
    match error:
        case errors.InvalidKey():
            return (
                "PostHog does not accept the API key of this connection: it is wrong or was revoked. "
                "Store a working key on the connection, then start a sync."
            )
        case errors.MissingScope():
            return f"The API key lacks the scope {error.scope}. Add it in PostHog, then check the connection."
        case errors.ProjectRestricted():
            return "The API key is limited to other projects. Use a key for this project, or correct the project id."
        case errors.PermissionDenied():
            return f"PostHog refuses this key: {error.detail}"
        case errors.NotFound() if not error.object_missing:
            return f"PostHog does not know this project or address ({error.detail}). Check host and project id."
        case errors.RateLimited() if error.sent is False:
            return f"{error.detail} What was read is kept; the next sync goes on from here."
        case errors.RateLimited():
            return "PostHog allows no more requests for now. What was read is kept; the next sync goes on from here."
        case errors.BadAnswer():
            return f"PostHog's address did not answer with whole data ({error.detail}). Nothing was taken from it."
        case BudgetUnreadable():
            return f"{error.detail} Check that Redis runs; the next sync goes on from here."
        case errors.NotSent():
            return f"PostHog could not be reached: {error.detail} Check the host and the network."
        case errors.Unreachable():
            return f"PostHog gave no answer: {error.detail} The next sync tries again."
        case errors.ServerError():
            return f"PostHog failed ({error.status or 'server error'}): {error.detail} The next sync tries again."
    return f"PostHog refused: {error.detail}"
