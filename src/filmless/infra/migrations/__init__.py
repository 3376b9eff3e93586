"""The schema's history: numbered steps, run by `filmless migrate` and at the start of `filmless serve`.

Steps expand, backfill, contract; none is ever edited after a release. An old binary refuses a database that
a newer one has migrated. Only `migrate` imports Alembic: the roles need no more than to read the revision.
"""

from pathlib import Path

import sqlalchemy as sa

from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Unavailable

HEAD_REVISION = "0007"  # The newest step that this program knows.
MIGRATION_LOCK = 7_264_310  # Any number that nobody else's advisory lock in this database uses.


def head_revision() -> str:
    """The newest revision that this program knows."""
    return HEAD_REVISION


def current_revision(database: Database) -> str | None:
    """The revision of the database, None when it is empty."""
    with database.read() as tx:
        return _revision(tx)


def migrate(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest revision; returns the revision before and after.

    Raises Unavailable when a newer program has migrated this database already.
    """
    with database.transaction() as tx:
        if not database.is_sqlite:  # Two machines may start at once.
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        before = _revision(tx)
        if before is not None and before > HEAD_REVISION:
            raise Unavailable(
                f"The database is at revision {before}, which this version of Filmless does not know. "
                "Start the newer version, or restore a backup made before the upgrade."
            )
        if before != HEAD_REVISION:
            _upgrade(tx)
    return before, HEAD_REVISION


def _revision(tx: Transaction) -> str | None:
    if not sa.inspect(tx.connection).has_table("alembic_version"):
        return None
    return tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(tx: Transaction) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")
