"""Pages of the change requests."""
