"""Instances that the archive holds, for tests that need some: stored, named, lost, damaged, set aside."""

import os
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from builders import a_ct_slice, announced, encoded
from filmless.features.access import node_actor
from filmless.features.archive import Archive, InstanceReference, begin_receive
from filmless.features.archive.tables import instances
from filmless.infra.errors import FilmlessError

NODE = node_actor("TESTMODALITY", "")


def hold(archive: Archive, number: int = 1, **changes: Any) -> InstanceReference:
    """Store a CT slice; what the archive refuses is in its quarantine."""
    one = a_ct_slice(number, **changes)
    reception = begin_receive(archive, NODE, announced(one))
    reception.write((encoded(one),))
    with suppress(FilmlessError):
        reception.finish()
    return InstanceReference(one.SOPClassUID, one.SOPInstanceUID)


def damage(archive: Archive, reference: InstanceReference) -> None:
    """Change the last byte of the object, as a failing disk would."""
    path = _path(archive, reference)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


def cut_off(archive: Archive, reference: InstanceReference) -> None:
    """Take the last byte of the object away."""
    path = _path(archive, reference)
    os.chmod(path, 0o600)
    os.truncate(path, os.path.getsize(path) - 1)


def lose(archive: Archive, reference: InstanceReference) -> None:
    """Remove the object behind the index's back."""
    os.unlink(_path(archive, reference))


def _path(archive: Archive, reference: InstanceReference) -> str:
    wanted = instances.c.sop_instance_uid == reference.sop_instance_uid
    with archive.database.read() as tx:
        object_id = tx.execute(sa.select(instances.c.object_id).where(wanted)).scalar_one()
    path = archive.object_store.local_path(object_id)
    assert path is not None
    return path
