"""Hands out the running server of `department`."""

from department import running_server

__all__ = ["running_server"]
