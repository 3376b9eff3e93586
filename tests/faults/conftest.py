"""Hands out the running server of `department`."""

from department import prepared_server, running_server

__all__ = ["prepared_server", "running_server"]
