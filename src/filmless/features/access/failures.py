"""Counting failed sign-ins, by user name and by address.

An attempt is charged before the password is looked at and refunded when it was right, so a thousand attempts
at once are counted like a thousand in a row. Refused attempts are not counted: whoever waits gets in.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from filmless.features.access.repository import insert_if_absent
from filmless.features.access.tables import sign_in_failures
from filmless.infra import limits
from filmless.infra.database import Transaction

# A ward shares one address behind a proxy: five people who each mistype once must not lock out the rest.
ADDRESS_FAILURES_MAX = 4 * limits.SIGN_IN_FAILURES_MAX

_LOCK = timedelta(seconds=limits.SIGN_IN_LOCK_SECONDS)


def subjects_of(user_name: str | None, address: str) -> tuple[str, ...]:
    """What an attempt counts against, in the order in which rows are locked."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        network = address[:64]
    else:
        # One household or attacker holds a whole /64 (RFC 6177), and would have 2**64 tries.
        network = str(ipaddress.ip_network(f"{ip}/64", strict=False)) if ip.version == 6 else str(ip)
    subjects = [f"address:{network}"] if address else []
    if user_name is not None:
        subjects.append(f"user:{user_name}")
    return tuple(subjects)


def charge_attempt(tx: Transaction, subjects: Sequence[str]) -> datetime | None:
    """Count one attempt against each subject; returns until when to wait if one of them is locked."""
    _forget_stale(tx)
    locked_until: datetime | None = None
    counts = []
    for subject in subjects:
        insert_if_absent(tx, sign_in_failures, subject=subject, failures=0, last_failure_at=tx.now)
        row = tx.execute(
            sa.select(sign_in_failures).where(sign_in_failures.c.subject == subject).with_for_update()
        ).one()
        if row.locked_until is not None and row.locked_until > tx.now:
            locked_until = max(locked_until or row.locked_until, row.locked_until)
        served = row.locked_until is not None or row.last_failure_at + _LOCK <= tx.now
        counts.append((subject, 1 if served else row.failures + 1))
    if locked_until is None:
        for subject, failures in counts:
            full = failures >= _failures_max(subject)
            _set(tx, subject, failures, tx.now + _LOCK if full else None)
    return locked_until


def refund_attempt(tx: Transaction, subjects: Sequence[str], *, signed_in: bool) -> None:
    """Take back the charge of an attempt that was right, or that could not be looked at.

    Signing in clears the user's count. It does not clear the address's: else one valid account would buy any
    number of guesses at the others.
    """
    for subject in subjects:
        row = tx.execute(
            sa.select(sign_in_failures).where(sign_in_failures.c.subject == subject).with_for_update()
        ).first()
        if row is None:
            continue
        if row.failures <= 1 or (signed_in and subject.startswith("user:")):
            tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.subject == subject))
        else:
            _set(tx, subject, row.failures - 1, None)


def forget_failures(tx: Transaction, user_name: str) -> None:
    """Unlock a user whom an administrator has just given a new password."""
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.subject == f"user:{user_name}"))


def _failures_max(subject: str) -> int:
    return ADDRESS_FAILURES_MAX if subject.startswith("address:") else limits.SIGN_IN_FAILURES_MAX


def _set(tx: Transaction, subject: str, failures: int, locked_until: datetime | None) -> None:
    tx.execute(
        sa.update(sign_in_failures)
        .where(sign_in_failures.c.subject == subject)
        .values(failures=failures, last_failure_at=tx.now, locked_until=locked_until)
    )


def _forget_stale(tx: Transaction) -> None:
    """Drop counts that no longer matter: attempts with invented names must not fill the table."""
    stale = (
        sa.select(sign_in_failures.c.subject)
        .where(
            sign_in_failures.c.last_failure_at <= tx.now - _LOCK,
            sa.or_(sign_in_failures.c.locked_until.is_(None), sign_in_failures.c.locked_until <= tx.now),
        )
        .with_for_update(skip_locked=True)
    )
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.subject.in_(stale)))
