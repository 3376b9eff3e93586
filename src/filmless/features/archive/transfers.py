"""The audit records of transfers: one when a sender begins with a study, one with what followed.

PS3.15 A.5.3.4 wants a record for each study transferred, not for each instance. The first is in the very
transaction of the first instance; the rest is counted and recorded each minute, and when the sender leaves.
Start at `TransferLog.count`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from filmless.features.access import Actor
from filmless.features.audit import AuditEvent, record
from filmless.infra.database import Transaction

RECORD_AGAIN_AFTER = timedelta(seconds=60)
TRANSFERS_MAX = 10_000  # Senders times studies under way; beyond it records come more often, never less.


@dataclass(frozen=True, slots=True)
class Transfer:
    """One sender and one study."""

    actor: Actor
    patient_ref: int
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class _State:
    recorded_at: datetime
    unrecorded: int


class TransferLog:
    """Counts instances between audit records; under the committer's lock, one transaction at a time."""

    def __init__(self) -> None:
        self._states: dict[Transfer, _State] = {}
        self._changes: dict[Transfer, _State] = {}

    def count(self, tx: Transaction, transfer: Transfer, instances: int) -> None:
        """Count instances stored in this transaction, and record them when a record is due."""
        state = self._changes.get(transfer) or self._states.get(transfer)
        if state is not None and tx.now - state.recorded_at < RECORD_AGAIN_AFTER:
            self._changes[transfer] = _State(state.recorded_at, state.unrecorded + instances)
            return
        _record(tx, transfer, instances + (state.unrecorded if state else 0))
        self._changes[transfer] = _State(tx.now, 0)

    def end(self, tx: Transaction, actor: Actor) -> None:
        """Record what is left of this sender."""
        for transfer, state in self._of(actor):
            if state.unrecorded:
                _record(tx, transfer, state.unrecorded)

    def forget(self, actor: Actor) -> None:
        """The sender's last records are committed."""
        for transfer, _ in list(self._of(actor)):
            del self._states[transfer]

    def has_unrecorded(self, actor: Actor) -> bool:
        """Whether `end` would write anything."""
        return any(state.unrecorded for _, state in self._of(actor))

    def committed(self) -> None:
        """The transaction is durable: what it counted and recorded holds."""
        if len(self._states) > TRANSFERS_MAX:
            self._states = {one: state for one, state in self._states.items() if state.unrecorded}
        self._states.update(self._changes)
        self._changes = {}

    def rolled_back(self) -> None:
        """The transaction did not happen, and neither did what it counted."""
        self._changes = {}

    def _of(self, actor: Actor) -> Iterator[tuple[Transfer, _State]]:
        return ((transfer, state) for transfer, state in self._states.items() if transfer.actor == actor)


def _record(tx: Transaction, transfer: Transfer, instances: int) -> None:
    record(
        tx,
        transfer.actor,
        AuditEvent.INSTANCES_TRANSFERRED,
        action="C",
        study_instance_uid=transfer.study_instance_uid,
        patient_ref=transfer.patient_ref,
        details={"instances": instances},
    )
