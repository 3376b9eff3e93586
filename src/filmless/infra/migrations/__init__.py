"""The schema's history: numbered steps, run by `filmless migrate` and at the start of `filmless serve`.

Steps expand, backfill, contract; none is ever edited after a release. An old binary refuses a database that
a newer one has migrated.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from filmless.infra.database import Database
from filmless.infra.errors import Unavailable

MIGRATION_LOCK = 7_264_310  # Any number that nobody else's advisory lock in this database uses.


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def head_revision() -> str:
    """The newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # The folder ships with at least the first step.
    return head


def current_revision(database: Database) -> str | None:
    """The revision of the database, None when it is empty."""
    with database.read() as tx:
        return MigrationContext.configure(tx.connection).get_current_revision()


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest revision; returns the revision before and after.

    Raises Unavailable when a newer program has migrated this database already.
    """
    before = current_revision(database)
    known = {step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()}
    if before is not None and before not in known:
        raise Unavailable(
            f"The database is at revision {before}, which this version of Filmless does not know. "
            "Start the newer version, or restore a backup made before the upgrade."
        )
    if before != head_revision():
        with database.transaction() as tx:
            if not database.is_sqlite:  # Two machines may start at once.
                tx.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config = _config()
            config.attributes["connection"] = tx.connection
            command.upgrade(config, "head")
    return before, head_revision()
