"""Searching views: the language that people type, the texts it looks into, and what it offers while they type."""
