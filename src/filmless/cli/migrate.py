"""`filmless migrate`: bring the database to this version's schema."""

from filmless.cli.common import console, opened_system
from filmless.infra.migrations import migrate as run_migrations


def migrate() -> None:
    """Create the database or bring it up to date."""
    with opened_system(migrated=False) as system:
        before, after = run_migrations(system.database)
    if before == after:
        console.print(f"The database is up to date (revision {after}).")
    else:
        console.print(f"The database went from revision {before or 'nothing'} to {after}.")
