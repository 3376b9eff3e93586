"""Projects for which studies are sent without the identity of their patients.

Each has a secret of its own, made here and told to nobody: the same patient and study get the same pseudonym
and UIDs in every transmission of the project, and others in any other. Not here: what is removed
(`standards/dicom/deidentification`).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.access import Actor, Permission
from filmless.features.audit import AuditEvent, record
from filmless.features.routing.errors import RuleNameTaken, RuleNotFound
from filmless.features.routing.model import checked_name
from filmless.features.routing.tables import deidentification_projects
from filmless.infra.database import Database, Transaction
from filmless.infra.errors import Invalid
from filmless.standards.dicom.deidentification import Option, Project

SECRET_BYTES = 32  # As many as the HMAC-SHA-256 that it keys.
SECURITY_CONFIGURATION = "110129"  # PS3.16 CID 403.


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as persons see it."""

    name: str
    options: tuple[Option, ...]
    created_at: datetime


def add_project(database: Database, actor: Actor, name: str, options: Iterable[Option] = ()) -> ProjectRow:
    """Add a project; raises RuleRefused, Invalid, RuleNameTaken, NotPermitted. It is never removed."""
    actor.must(Permission.ROUTING_MANAGE)
    checked, chosen = checked_name(name), tuple(sorted(set(options)))
    secret = os.urandom(SECRET_BYTES)
    try:
        Project(checked, secret, frozenset(chosen))
    except ValueError as error:
        raise Invalid(str(error)) from None
    with database.transaction() as tx:
        insert = (sqlite if tx.is_sqlite else postgresql).insert(deidentification_projects)
        row = insert.values(name=checked, secret=secret, options="\\".join(chosen), created_at=tx.now)
        made = tx.execute(row.on_conflict_do_nothing().returning(deidentification_projects.c.name)).first()
        if made is None:
            raise RuleNameTaken("There is a project of this name already.")
        details = {"type": SECURITY_CONFIGURATION, "deidentification_project": checked}
        record(tx, actor, AuditEvent.SECURITY_ALERT, action="C", details=details)
        return ProjectRow(checked, chosen, tx.now)


def list_projects(database: Database, actor: Actor) -> list[ProjectRow]:
    """All projects by name, without their secrets."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        rows = tx.execute(sa.select(deidentification_projects).order_by(deidentification_projects.c.name))
        return [ProjectRow(row.name, _options(row.options), row.created_at) for row in rows]


def get_project(database: Database, actor: Actor, name: str) -> Project:
    """A project with its secret, for those who send; raises RuleNotFound, NotPermitted."""
    actor.must(Permission.STUDIES_SEND)
    with database.read() as tx:
        asked = sa.select(deidentification_projects).where(deidentification_projects.c.name == name)
        row = tx.execute(asked).first()
    if row is None:
        raise RuleNotFound("There is no de-identification project of that name.")
    return Project(row.name, bytes(row.secret), frozenset(_options(row.options)))


def check_project(tx: Transaction, name: str) -> None:
    """Raise RuleNotFound unless the name is empty or a project's."""
    known = sa.select(deidentification_projects.c.name).where(deidentification_projects.c.name == name)
    if name and tx.execute(known).first() is None:
        raise RuleNotFound("There is no de-identification project of that name. Add it first.")


def _options(text: str) -> tuple[Option, ...]:
    return tuple(Option(code) for code in text.split("\\") if code)
