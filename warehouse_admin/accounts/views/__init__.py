"""The pages about connections, people, and one's own settings."""
