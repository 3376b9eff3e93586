"""Routing: which studies go where, when, and what became of it."""
