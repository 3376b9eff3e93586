"""Unknown callers: who was turned away at the DICOM door, so that an administrator can let them in.

One row for each AE title and address, however often it calls; a bounded number of rows, the longest silent
forgotten first. Everything here was said by a stranger. Start at `note_refusals`.
"""

from collections.abc import Mapping

from filmless.features.access import Actor, Permission, node_actor
from filmless.features.audit import AuditEvent, record
from filmless.features.nodes import callers_repository
from filmless.features.nodes.errors import UnknownCallerNotFound
from filmless.features.nodes.refusals import Refusal, RefusalReason, UnknownCaller
from filmless.infra.database import Database, Transaction

NODE_AUTHENTICATION = "110126"  # PS3.16 CID 403, for a security alert.
MINOR_FAILURE = 4  # PS3.15 A.5.2.1: somebody stayed outside, nothing of ours broke.
AUDITED_AT_ONCE_MAX = 8  # Records one writing leaves behind; a flood of invented titles is one sum.


def note_refusals(database: Database, refusals: Mapping[Refusal, int]) -> None:
    """Write down, in one transaction, who was turned away how often since the last writing.

    For the DICOM door, which collects them for some seconds: a caller in a loop must not keep ingest
    waiting. Each is a security alert, a failed node authentication (PS3.15 A.5.3.11); beyond some at once
    their sum is.
    """
    counted: dict[Refusal, int] = {}
    for refusal, calls in refusals.items():
        cleaned = refusal.cleaned()
        counted[cleaned] = counted.get(cleaned, 0) + calls
    if not counted:
        return
    with database.transaction() as tx:
        for refusal, calls in counted.items():
            callers_repository.upsert_caller(tx, refusal, calls)
        callers_repository.trim_callers(tx)
        _record_refusals(tx, counted)


def list_unknown_callers(database: Database, actor: Actor) -> list[UnknownCaller]:
    """Who was turned away, the latest first."""
    actor.must(Permission.NODES_MANAGE)
    with database.read() as tx:
        return callers_repository.all_callers(tx)


def forget_unknown_caller(database: Database, actor: Actor, calling_ae_title: str, address: str) -> None:
    """Strike one off the list; it returns when it calls again. Raises UnknownCallerNotFound."""
    actor.must(Permission.NODES_MANAGE)
    with database.transaction() as tx:
        if not callers_repository.delete_callers(tx, calling_ae_title, address):
            raise UnknownCallerNotFound("Nobody of this AE title and address is on the list.")


def _record_refusals(tx: Transaction, counted: Mapping[Refusal, int]) -> None:
    """The most frequent each with a record; the others together in one, with nobody's name."""
    ranked = sorted(counted.items(), key=lambda item: -item[1])
    for refusal, calls in ranked[:AUDITED_AT_ONCE_MAX]:
        _record(tx, refusal, {"reason": refusal.reason.value, "calls": calls})
    others = ranked[AUDITED_AT_ONCE_MAX:]
    if others:
        nobody = Refusal("", "", "", RefusalReason.UNKNOWN_NODE)
        _record(tx, nobody, {"callers": len(others), "calls": sum(calls for _, calls in others)})


def _record(tx: Transaction, refusal: Refusal, details: Mapping[str, object]) -> None:
    record(
        tx,
        node_actor(refusal.calling_ae_title, refusal.address, frozenset()),
        AuditEvent.SECURITY_ALERT,
        action="E",
        outcome=MINOR_FAILURE,
        details={"type": NODE_AUTHENTICATION, "called_ae_title": refusal.called_ae_title, **details},
    )
