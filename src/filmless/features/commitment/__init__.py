"""Commitment: we answer for instances we hold, and ask others to answer for what we sent."""
