"""What can be done with people, connections and keys."""

from warehouse_admin.accounts.services.clients import capability, client_for, learn, writer_for

__all__ = ["capability", "client_for", "learn", "writer_for"]
