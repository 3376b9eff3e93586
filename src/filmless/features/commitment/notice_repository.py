"""Every SQL statement about subscribers to availability and the notices to them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from filmless.features.commitment.model import NoticeRow, NoticeState, Subscriber
from filmless.features.commitment.tables import availability_notices, availability_subscribers
from filmless.infra.database import Transaction

_NOTICE = [availability_notices.c[field.name] for field in fields(NoticeRow)]
_ANY_SUBSCRIBER = "SELECT 1 FROM availability_subscribers LIMIT 1"


def insert_subscriber(tx: Transaction, ae_title: str) -> bool:
    """Add a subscriber; says whether it was none before."""
    insert = (sqlite.insert if tx.is_sqlite else postgresql.insert)(availability_subscribers)
    statement = insert.values(ae_title=ae_title, created_at=tx.now).on_conflict_do_nothing()
    return tx.execute(statement.returning(sa.literal(1))).first() is not None


def delete_subscriber(tx: Transaction, ae_title: str) -> bool:
    """Remove a subscriber; says whether it was one."""
    table = availability_subscribers
    return tx.execute(sa.delete(table).where(table.c.ae_title == ae_title)).rowcount == 1


def all_subscribers(tx: Transaction) -> list[Subscriber]:
    """All subscribers by AE title."""
    rows = tx.execute(sa.select(availability_subscribers).order_by(availability_subscribers.c.ae_title))
    return [Subscriber(row.ae_title, row.created_at) for row in rows]


def has_subscribers(tx: Transaction) -> bool:
    """Whether anybody wants to hear; asked for each study that grows."""
    return tx.fast(_ANY_SUBSCRIBER).fetchone() is not None


def find_notice(tx: Transaction, ae_title: str, study_instance_uid: str) -> NoticeRow | None:
    """The notice of the study to that subscriber."""
    table = availability_notices
    wanted = sa.and_(table.c.study_instance_uid == study_instance_uid, table.c.ae_title == ae_title)
    return _notice(tx.execute(sa.select(*_NOTICE).where(wanted)).first())


def get_notice(tx: Transaction, notice_id: str) -> NoticeRow | None:
    """The notice of that id."""
    return _notice(tx.execute(sa.select(*_NOTICE).where(availability_notices.c.id == notice_id)).first())


def insert_notice(tx: Transaction, row: NoticeRow) -> None:
    """Add a notice."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    tx.execute(sa.insert(availability_notices).values(**values))


def update_notice(tx: Transaction, notice_id: str, **values: Any) -> None:
    """Change columns of a notice."""
    table = availability_notices
    tx.execute(sa.update(table).where(table.c.id == notice_id).values(**values))


def page_of_notices(
    tx: Transaction, state: NoticeState | None, limit: int, offset: int
) -> tuple[list[NoticeRow], int]:
    """Notices, newest first, and how many there are in all."""
    table = availability_notices
    wanted = sa.true() if state is None else table.c.state == state.value
    total = tx.execute(sa.select(sa.func.count()).select_from(table).where(wanted)).scalar_one()
    statement = sa.select(*_NOTICE).where(wanted).order_by(table.c.id.desc()).limit(limit).offset(offset)
    rows: Sequence[sa.Row[Any]] = tx.execute(statement).all()
    return [_row(row) for row in rows], total


def trim_told(tx: Transaction, before: datetime, rows_max: int) -> int:
    """Forget up to so many notices that were told before then; returns how many."""
    table = availability_notices
    told = sa.and_(table.c.state == NoticeState.TOLD.value, table.c.told_at < before)
    old = sa.select(table.c.id).where(told).limit(rows_max)
    return int(tx.execute(sa.delete(table).where(table.c.id.in_(old))).rowcount)


def _notice(row: sa.Row[Any] | None) -> NoticeRow | None:
    return None if row is None else _row(row)


def _row(row: sa.Row[Any]) -> NoticeRow:
    values = {column.name: getattr(row, column.name) for column in _NOTICE}
    return NoticeRow(**{**values, "state": NoticeState(row.state)})
