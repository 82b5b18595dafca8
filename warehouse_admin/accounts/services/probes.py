"""Asks PostHog what a key is good for, and says in one sentence what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from warehouse_admin.accounts.consumers import CHECK, spending_as
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.services.clients import client_to_check
from warehouse_admin.core.errors import UserError
from warehouse_admin.posthog import capabilities, errors, reads
from warehouse_admin.posthog.capabilities import Capability
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import KeyInfo, detect_generation


@dataclass
class Findings:
    """What a probe learned; empty fields were not learned. `problem` is a sentence for people."""

    problem: str = ""
    key_accepted: bool = False
    path_prefix: str = ""
    generation: str = ""
    capabilities: Mapping[str, Capability] = field(default_factory=dict)


def probe(connection: Connection) -> Findings:
    """A handful of reads, a few seconds at most."""
    found = Findings()
    try:
        client = client_to_check(connection)
    except UserError as error:
        found.problem = error.message
        return found
    try:
        with spending_as(CHECK):
            _look(client, connection, found)
    except errors.PostHogError as error:
        found.problem = explain(error, connection.host, connection.project_id)
    finally:
        client.close()
    return found


def _look(client: Client, connection: Connection, found: Findings) -> None:
    key = reads.current_key(client)
    found.key_accepted = True
    found.path_prefix = client.detect_prefix()
    try:
        page = reads.list_saved_queries(client)
    except errors.PermissionDenied as refusal:
        found.capabilities = _learned(key, None, connection, refusal)
        raise
    detail = reads.get_saved_query(client, page.results[0].id) if page.results else None
    generation = detect_generation(page.results[0], detail) if page.results else None
    found.generation = generation or ""
    found.capabilities = _learned(key, generation, connection, None)


def _learned(
    key: KeyInfo, generation: str | None, connection: Connection, refusal: errors.PostHogError | None
) -> Mapping[str, Capability]:
    foretold = capabilities.from_key(key, generation, connection.project_id)
    return capabilities.remember(foretold, "list", refusal)


def explain(error: errors.PostHogError, host: str, project_id: str) -> str:
    """What went wrong with a connection and what to do about it, in a sentence or two."""
    match error:
        case errors.InvalidKey():
            return f"{host} does not accept this API key: check that it was copied whole and has not been revoked."
        case errors.MissingScope():
            return f"The API key lacks the scope {error.scope}: add it to the key in PostHog."
        case errors.ProjectRestricted():
            return f"The API key is limited to other projects than {project_id}: allow this one, or use another key."
        case errors.PermissionDenied():
            return f"PostHog refuses this key: {error.detail}"
        case errors.NotFound():
            return f"{host} knows no project {project_id} that this key can see: check the project id."
        case errors.RateLimited():
            return "The key's rate is used up for the moment; check again in a minute."
        case errors.NotSent():
            return f"{host} cannot be reached: {error.detail}"
        case errors.Unreachable() | errors.ServerError():
            return f"{host} did not give an answer to rely on: {error.detail}"
        case errors.BadAnswer():
            return f"{host} answers, but not as PostHog's API does: check the host and any proxy in between."
    return f"PostHog refused the check: {error.detail}"
