"""`filmless serve`: the supervisor that starts the roles as processes and keeps them running.

With `--role` it is one role itself, as the supervisor starts it or as a unit on a machine of its own.
"""

import os
import sys
from typing import Annotated

import typer

from filmless.cli.common import plain_errors
from filmless.cli.supervisor import supervise
from filmless.compose import ROLES
from filmless.infra.errors import Invalid
from filmless.infra.metrics_folder import VARIABLE, prepare_metrics_folder
from filmless.infra.settings import Settings


def serve(
    role: Annotated[
        str, typer.Option(help=f"Run one role only: {', '.join(ROLES)}. Without it: all of them.")
    ] = "",
) -> None:
    """Start the servers: DICOM, web and background work."""
    with plain_errors():
        settings = Settings.load()
        if role and role not in ROLES:
            raise Invalid(f"There is no role {role!r}. The roles are: {', '.join(ROLES)}.")
        if role:
            _become(role, settings)
        else:
            supervise(settings)


def _become(role: str, settings: Settings) -> None:
    """Turn this process into the role, counting where all roles of this machine count together."""
    if VARIABLE not in os.environ:
        prepare_metrics_folder(settings.data, clear=False)
    os.execv(sys.executable, [sys.executable, "-m", "filmless.cli.roles", role])
