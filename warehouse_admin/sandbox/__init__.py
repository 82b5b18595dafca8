"""A stand-in for the PostHog data-warehouse API, for demonstrations and tests. Standard library only."""
