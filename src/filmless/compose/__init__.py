"""The composition root: settings → infra → features → edge. The only code that knows everything.

`system.py` opens the installation; `dimse.py`, `web.py`, `worker.py` build one role each, so that a process
imports only what it runs; `worker.REACTIONS` and `worker.jobs` say what happens when. Not here: any rule.
"""

from filmless.compose.system import ROLES, System, open_system

__all__ = ["ROLES", "System", "open_system"]
