"""What can be done with people, connections and keys."""

from warehouse_admin.accounts.services.clients import capability, client_for, learn, own_keys, why_no_writes, writer_for
from warehouse_admin.accounts.services.connections import (
    check_connection,
    check_is_due,
    ensure_connection_from_settings,
    save_connection,
    set_active,
)
from warehouse_admin.accounts.services.keys import remove_personal_key, save_personal_key
from warehouse_admin.accounts.services.people import create_person, reset_password, update_person
from warehouse_admin.accounts.services.refusals import require_accepted
from warehouse_admin.accounts.services.sandbox import ensure_sandbox, sandbox_people

__all__ = [
    "capability",
    "check_connection",
    "check_is_due",
    "client_for",
    "create_person",
    "ensure_connection_from_settings",
    "ensure_sandbox",
    "learn",
    "own_keys",
    "remove_personal_key",
    "require_accepted",
    "reset_password",
    "sandbox_people",
    "save_connection",
    "save_personal_key",
    "set_active",
    "update_person",
    "why_no_writes",
    "writer_for",
]
