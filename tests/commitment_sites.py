"""Installations in this process that ask each other for storage commitment, and a modality that asks one."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from filmless.compose import System
from filmless.compose.worker import REACTIONS, jobs
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.commitment import report_in
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.exchange import Message
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features import audit
from filmless.features.access import Access, system_actor
from filmless.features.archive import Archive, InstanceReference
from filmless.features.commitment import (
    CommitmentAsked,
    CommitmentReceived,
    Report,
    find_asked,
    find_received,
)
from filmless.features.nodes import NewNode, add_node, update_node
from filmless.infra.database import Database
from filmless.infra.jobs import claim, finish
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.settings import Settings
from filmless.infra.tls_files import TLSFiles
from filmless.infra.worker import Worker
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.sop_classes import STORAGE_COMMITMENT_PUSH_MODEL as PUSH_MODEL
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.uids import STORAGE_COMMITMENT_PUSH_MODEL_INSTANCE as WELL_KNOWN
from filmless.standards.dicom.upper_layer import (
    CommandField,
    CommandSet,
    PresentationContext,
    RoleSelection,
)
from frozen_clock import FrozenClock

US = system_actor("test")
CONTEXTS = [(PUSH_MODEL, (EXPLICIT_LE, IMPLICIT_LE))]


class Site:
    """One installation: archive, DIMSE server, and a worker that runs when it is told to."""

    def __init__(self, ae_title: str, folder: Path, clock: FrozenClock) -> None:
        """`folder` holds a migrated database."""
        self.ae_title = ae_title
        self.clock = clock
        self.database = Database(f"sqlite:///{folder / 'filmless.sqlite3'}", clock)
        self.archive = Archive(self.database, FolderObjectStore(folder / "objects"))
        system = System(
            Settings(data=folder, ae_title=ae_title),
            clock,
            self.database,
            self.archive.object_store,
            self.archive,
            Access(self.database, audit.record),
        )
        sandbox = Sandbox()  # No worker of it starts before a call.
        admission = Admission(
            self.database, ae_title, called_ae_title_must_match=True, accept_unknown_nodes=True
        )
        services = Services(self.archive, ae_title, sandbox, TLSFiles(folder / "tls"))
        self.server = DIMSEServer(services, admission, "127.0.0.1", 0)
        self.server.start()
        self.functions = {
            kind: function for kind, function in jobs(system, sandbox).items() if kind != "prepare-series"
        }
        reactions = {kind: those[1:] for kind, those in REACTIONS.items()}  # Pictures are not our business.
        self.worker = Worker(self.database, self.functions, reactions)

    def close(self) -> None:
        self.server.stop()
        self.archive.close()
        self.database.close()

    def dies_with_a_job(self, kind: str) -> None:
        """A worker runs jobs until it takes one of this kind, and is never heard of again."""
        while True:
            with self.database.transaction() as tx:
                lease = claim(tx, "a worker that dies")
            assert lease is not None
            if lease.kind == kind:
                return
            self.functions[lease.kind](lease.payload)
            with self.database.transaction() as tx:
                finish(tx, lease)

    def knows(self, ae_title: str, port: int, **more: Any) -> None:
        """Register a node on this machine."""
        add_node(self.database, US, NewNode(ae_title, "127.0.0.1", port, **more))

    def moves(self, ae_title: str, port: int) -> None:
        """A node listens on another port from now on."""
        update_node(self.database, US, NewNode(ae_title, "127.0.0.1", port))

    def work(self, after_seconds: float = 0) -> None:
        """Run what is due after a while."""
        self.clock.advance(after_seconds)
        self.worker.run_pending()

    @property
    def received(self) -> CommitmentReceived:
        """The one request made of it."""
        [row] = find_received(self.database, US, None, 100, 0)[0]
        return row

    @property
    def asked(self) -> CommitmentAsked:
        """The one request that it makes."""
        [row] = find_asked(self.database, US, None, 100, 0)[0]
        return row


@pytest.fixture
def open_site(tmp_path: Path, sqlite_template: Path, clock: FrozenClock) -> Iterator[Callable[[str], Site]]:
    """Makes installations by AE title."""
    opened: list[Site] = []

    def open_one(ae_title: str) -> Site:
        folder = tmp_path / ae_title
        if not folder.exists():  # Else it is started again on what it had.
            folder.mkdir()
            shutil.copyfile(sqlite_template, folder / "filmless.sqlite3")
        opened.append(Site(ae_title, folder, clock))
        return opened[-1]

    yield open_one
    for site in opened:
        site.close()


@dataclass
class Modality:
    """A peer that asks a site for commitment, and takes what is reported on its own association."""

    site: Site
    ae_title: str = "TESTMODALITY"
    heard: list[Report] = field(default_factory=list)
    answers: int = 0x0000

    def association(self, *roles: RoleSelection) -> AbstractContextManager[Requestor]:
        peer = Peer("127.0.0.1", self.site.server.port, self.site.ae_title, self.ae_title)
        return open_association(peer, CONTEXTS, roles=roles)

    def ask(
        self, requestor: Requestor, *references: InstanceReference, uid: str = "2.25.1", **command: Any
    ) -> int:
        """The status of an N-ACTION; `command` changes elements of the command."""
        data_set = DataSet()
        data_set.set(tags.TRANSACTION_UID, uid)
        data_set.set_items(tags.REFERENCED_SOP_SEQUENCE, [_item(one) for one in references])
        elements = {
            "requested_sop_class_uid": PUSH_MODEL,
            "requested_sop_instance_uid": WELL_KNOWN,
            "action_type_id": 1,
        }
        return self.send(requestor, CommandField.N_ACTION_RQ, data_set, **{**elements, **command})

    def report(self, requestor: Requestor, data_set: DataSet, event_type_id: int = 1) -> int:
        """The status of an N-EVENT-REPORT."""
        elements = {"affected_sop_class_uid": PUSH_MODEL, "affected_sop_instance_uid": WELL_KNOWN}
        field_ = CommandField.N_EVENT_REPORT_RQ
        return self.send(requestor, field_, data_set, event_type_id=event_type_id, **elements)

    def send(self, requestor: Requestor, field_: CommandField, data_set: DataSet, **elements: Any) -> int:
        context = requestor.context_for(PUSH_MODEL)
        command = CommandSet.build(
            field_, has_data_set=True, message_id=requestor.next_message_id(), **elements
        )
        data = encode_data_set(data_set, context.transfer_syntax_uid)
        [(response, _)] = requestor.ask(context.context_id, command, [data])
        return response.status

    def listens(self, requestor: Requestor, seconds: float = 5) -> bool:
        """Wait for one report; False when none came."""
        return requestor.serve(lambda request, context: _Heard(self, request, context), seconds)


class _Heard:
    """One report that the modality takes."""

    def __init__(self, modality: Modality, request: CommandSet, context: PresentationContext) -> None:
        self._modality, self._request, self._context = modality, request, context
        self._received = bytearray()

    def receive(self, data: memoryview) -> None:
        self._received += data

    def finish(self) -> list[Message]:
        syntax = self._context.transfer_syntax_uid
        report = report_in(decode_data_set(bytes(self._received), syntax, bytes_max=1 << 20))
        assert self._request.event_type_id == (2 if report.failed else 1)
        self._modality.heard.append(report)
        return [Message(self._request.response(self._modality.answers))]

    def abandon(self) -> None:
        """Nothing was kept."""


def _item(reference: InstanceReference) -> DataSet:
    item = DataSet()
    item.set(tags.REFERENCED_SOP_CLASS_UID, reference.sop_class_uid)
    item.set(tags.REFERENCED_SOP_INSTANCE_UID, reference.sop_instance_uid)
    return item
