"""The schema's history ends where the tables say, on both databases."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import filmless.features
from filmless.infra import jobs, migrations, outbox
from filmless.infra.database import Database, metadata
from filmless.infra.errors import Unavailable
from filmless.infra.migrations import current_revision, head_revision, migrate
from frozen_clock import FrozenClock


def import_all_tables() -> None:
    """Every feature's tables enter the one metadata when they are imported."""
    assert {jobs.jobs.name, outbox.outbox.name} <= set(metadata.tables)
    for feature in pkgutil.iter_modules(filmless.features.__path__, "filmless.features."):
        if importlib.util.find_spec(f"{feature.name}.tables"):
            importlib.import_module(f"{feature.name}.tables")


def is_declared(name: str | None, kind: str) -> bool:
    """Whether the tables of the code know it: not SQLite's full-text tables, not PostgreSQL's trigrams."""
    if kind == "table":
        return name in metadata.tables
    return kind != "index" or not (name or "").endswith("_trigrams")


def test_the_migrations_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    import_all_tables()
    with database.read() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, parents: is_declared(name, kind),
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert migrate(database) == (head_revision(), head_revision())


def test_a_new_database_reaches_the_head(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'folder' / 'new.sqlite3'}", FrozenClock())
    assert current_revision(database) is None
    assert migrate(database) == (None, head_revision())
    assert current_revision(database) == head_revision()


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match=r"revision 9999.*Start the newer version"):
        migrate(database)


def test_the_program_knows_its_own_newest_step() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD_REVISION
