"""Askers that never read, lie or vanish, and destinations that die: others are served, memory is bounded.

Each runs against a whole server. What single answers hold is tested in-process (`edge/dimse`).
"""

import fcntl
import os
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bench.filmless_server import run_command
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, ROOT, a_ct_slice, part10
from department import Filmless
from filmless.edge.dimse.connection import Connection
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import AssociationAborted
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.sending import outgoing_of, send_instances
from filmless.features.access import system_actor
from filmless.features.archive import (
    Archive,
    RetrieveKeys,
    RetrieveLevel,
    Transfer,
    find_instances_to_send,
    receive_part10,
)
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.data_set import encode_data_set
from filmless.standards.dicom.sop_classes import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from filmless.standards.dicom.upper_layer import (
    AcceptorPolicy,
    AssociateRequest,
    Association,
    AssociationRequested,
    CommandField,
    CommandReceived,
    CommandSet,
    DataReceived,
    PresentationContextProposal,
    ReleaseRequested,
    SyntaxOffer,
    UserInformation,
    negotiate,
)
from querying_peer import find, identifier
from retrieving_peer import get, move

pytestmark = [pytest.mark.fault, pytest.mark.slow]

SLICES = 60
COMMENT = "x" * 10_000  # Makes every answer larger than the room between the two sides.
STUDY = f"{ROOT}.1"
WHOLE_STUDY = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDY}
ALL_IMAGES = {
    "QueryRetrieveLevel": "IMAGE",
    "StudyInstanceUID": STUDY,
    "SeriesInstanceUID": f"{STUDY}.1",
    "SOPInstanceUID": None,
    "ImageComments": None,
}
UIDS = [f"{STUDY}.1.{number}" for number in range(1, SLICES + 1)]
NEVER_READING = 200
TITLES = 4  # One node has 64 places at most.
ROOM_BYTES = 4096  # Of the receive buffer of one that never reads.
SEGMENT_BYTES = 536  # Small segments keep the sender's buffer in the kernel small too.
SECONDS_MAX = 60  # Only to end a test that hangs.
IMPATIENT_SECONDS_MAX = 2  # What the issue asks for: others are served within two seconds.
QUERY_SECONDS_MAX = 10  # An impatient asker: a pattern must not cost more.
GROWTH_MIB_MAX = 200
PEAK_MIB_MAX = 400  # The design's limit for a process at work.


@pytest.fixture(scope="module")
def server(prepared_server: Filmless, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """Filmless with a study of many images with long comments, and a patient whose name is one letter."""
    folder = tmp_path_factory.mktemp("queried")
    with Filmless(folder=folder, prepared=prepared_server) as server:
        files = folder / "to-import"
        files.mkdir()
        for number in range(1, SLICES + 1):
            one = a_ct_slice(
                number, ImageComments=COMMENT, PixelData=bytes(512 * 512 * 2), Rows=512, Columns=512
            )
            (files / f"{number}.dcm").write_bytes(part10(one))
        monotone = a_ct_slice(1, study=2, PatientID="A", PatientName="a" * 64, StudyDescription="a" * 64)
        (files / "monotone.dcm").write_bytes(part10(monotone))
        run_command(server.environment, "import", str(files))
        yield server


def peer_of(server: Filmless, calling: str = "TESTER") -> Peer:
    host, port = server.dicom_address
    return Peer(host, port, server.ae_title, calling, answer_seconds=SECONDS_MAX)


def request(field: CommandField, sop_class_uid: str, **values: str) -> CommandSet:
    return CommandSet.build(
        field, has_data_set=True, message_id=1, priority=0, affected_sop_class_uid=sop_class_uid, **values
    )


def resident_mib(server: Filmless) -> float:
    """Of all processes together."""
    return sum(mib for _, mib in server.process.memory_mib().values())


def receiver(server: Filmless) -> Path:
    """What the system knows of the process that serves DICOM."""
    return Path(f"/proc/{server.process.listener(server.dicom_address[1])}")


def peak_mib(server: Filmless) -> float:
    """The largest size the process that serves DICOM ever had."""
    return int((receiver(server) / "status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    pause = threading.Event()  # Never set.
    while not is_so():
        assert time.monotonic() < deadline
        pause.wait(0.02)


def check_that_others_are_served(server: Filmless) -> None:
    """C-ECHO and C-FIND by another implementation, which gives up soon."""
    entity = AE("HONEST")
    for service in (Verification, StudyRootQueryRetrieveInformationModelFind):
        entity.add_requested_context(service)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = IMPATIENT_SECONDS_MAX
    host, port = server.dicom_address
    association = entity.associate(host, port, ae_title=server.ae_title)
    assert association.is_established
    assert association.send_c_echo().Status == 0x0000
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", STUDY
    answers = list(association.send_c_find(asked, StudyRootQueryRetrieveInformationModelFind))
    assert [status.Status for status, _ in answers] == [0xFF00, 0x0000]
    association.release()


# --- Askers that never read --------------------------------------------------------------------------------


@dataclass
class Mute:
    """An asker that has asked for everything and has read nothing yet."""

    sock: socket.socket
    connection: Connection
    requestor: Requestor

    @property
    def bytes_waiting(self) -> int:
        """What has come and lies there unread."""
        found = fcntl.ioctl(self.sock, termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", found)[0])

    def read_answers(self) -> tuple[int, int]:
        """How many pending responses there were, and the final status."""
        pending = 0
        while (response := self.requestor.next_response()).status in (0xFF00, 0xFF01):
            pending += 1
        return pending, response.status


def ask_without_reading(server: Filmless, number: int) -> Mute:
    """Associate with as little room for answers as there can be, and ask for everything."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    sock.settimeout(SECONDS_MAX)
    sock.connect(server.dicom_address)
    proposal = PresentationContextProposal(1, STUDY_ROOT_FIND, (EXPLICIT_LE,))
    user = UserInformation(16384, "1.2.3", "NEVERREADS")
    title = f"MUTE{number % TITLES}"
    association = Association(is_requestor=True)
    association.request_association(AssociateRequest(server.ae_title, title, (proposal,), user))
    association.connected()
    connection = Connection(sock, association)
    requestor = Requestor(connection, peer_of(server))
    requestor.establish()
    data = encode_data_set(identifier(ALL_IMAGES), EXPLICIT_LE)
    requestor.send(1, request(CommandField.C_FIND_RQ, STUDY_ROOT_FIND), [data])
    return Mute(sock, connection, requestor)


def test_two_hundred_askers_that_never_read_hold_neither_memory_nor_others(server: Filmless) -> None:
    assert find(peer_of(server), STUDY_ROOT_FIND, ALL_IMAGES).texts("ImageComments") == [COMMENT] * SLICES
    before = resident_mib(server)
    with ExitStack() as stack:
        crowd = []
        for number in range(NEVER_READING):
            crowd.append(ask_without_reading(server, number))
            stack.enter_context(crowd[-1].connection)
        wait_until(lambda: all(one.bytes_waiting for one in crowd))
        check_that_others_are_served(server)
        assert resident_mib(server) - before < GROWTH_MIB_MAX
        # It was waited for: whoever reads at last gets everything, which had no room on the way.
        assert crowd[0].read_answers() == (SLICES, 0x0000)
        check_that_others_are_served(server)


# --- Identifiers -------------------------------------------------------------------------------------------


def value(tag: int, vr: bytes, raw: bytes) -> bytes:
    """An element in explicit little endian, the long form."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(raw)) + raw


def named(level: str, **keys: str) -> bytes:
    return encode_data_set(identifier({"QueryRetrieveLevel": level, **keys}), EXPLICIT_LE)


NESTED = struct.pack("<HH2sHIHHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
STUDY_LEVEL = named("STUDY")
UID_TAG = 0x0020000D
IDENTIFIERS: list[tuple[str, bytes, int, int]] = [  # And the status of a query, and of a retrieval.
    ("32 MiB of NUL", STUDY_LEVEL + b"\0" * (32 << 20), 0xA700, 0xA701),
    ("33 MiB in one value", STUDY_LEVEL + value(0x00104000, b"UT", b"x" * (33 << 20)), 0xA700, 0xA701),
    ("31 MiB of UIDs", STUDY_LEVEL + value(UID_TAG, b"UC", b"1.2.3\\" * ((31 << 20) // 6)), 0xA700, 0xA701),
    ("500,000 nested sequences", STUDY_LEVEL + NESTED * 500_000, 0xA700, 0xA701),
    ("a megabyte of UIDs", STUDY_LEVEL + value(UID_TAG, b"UC", b"1.2.3\\" * 160_000), 0xA900, 0x0000),
    ("50,000 nested sequences", STUDY_LEVEL + NESTED * 50_000, 0xC000, 0xC001),
    ("120,000 items side by side",
     STUDY_LEVEL + value(0x00081140, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 120_000),
     0x0000, 0xA900),
    ("a UID of 60,000 digits", named("STUDY", StudyInstanceUID="1." * 30_000), 0x0000, 0xA900),
    ("a UID with NUL in it", named("STUDY", StudyInstanceUID="1.2.\0.3"), 0xA900, 0xA900),
    ("a UID that is a path", named("STUDY", StudyInstanceUID="../../etc/passwd"), 0x0000, 0xA900),
    ("nothing", b"", 0xA900, 0xA900),
]  # fmt: skip
SERVICES = [
    (CommandField.C_FIND_RQ, STUDY_ROOT_FIND),
    (CommandField.C_MOVE_RQ, STUDY_ROOT_MOVE),
    (CommandField.C_GET_RQ, STUDY_ROOT_GET),
]
SERVICE_IDS = ["C-FIND", "C-MOVE", "C-GET"]


@pytest.mark.parametrize(("field", "sop_class_uid"), SERVICES, ids=SERVICE_IDS)
def test_every_identifier_is_answered_and_costs_no_memory(
    server: Filmless, field: CommandField, sop_class_uid: str
) -> None:
    values: dict[str, str] = {}
    if field == CommandField.C_MOVE_RQ:
        run_command(server.environment, "node", "add", "NOBODY", "127.0.0.1", "1")
        values = {"move_destination": "NOBODY"}
    statuses: dict[str, int] = {}
    for why, data, _, _ in IDENTIFIERS:
        with open_association(peer_of(server), [(sop_class_uid, (EXPLICIT_LE,))]) as association:
            (*_, last) = association.ask(1, request(field, sop_class_uid, **values), [data])
            statuses[why] = last[0].status
        check_that_others_are_served(server)
    is_query = field == CommandField.C_FIND_RQ
    assert statuses == {why: query if is_query else retrieval for why, _, query, retrieval in IDENTIFIERS}
    assert peak_mib(server) < PEAK_MIB_MAX


PATTERNS = ["*a" * 6, "*a" * 31 + "b", "?" * 63 + "b", "*" * 64, "*?" * 31 + "b", "a*" * 31 + "b"]


@pytest.mark.parametrize("keyword", ["PatientName", "StudyDescription", "PatientID"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_costs_an_impatient_asker_nothing(server: Filmless, pattern: str, keyword: str) -> None:
    patient = replace(peer_of(server), answer_seconds=QUERY_SECONDS_MAX)
    for options in (None, b"\1\0\1"):  # The last byte: fuzzy matching of names.
        answers = find(
            patient, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "STUDY", keyword: pattern}, options=options
        )
        assert answers.status == 0x0000


# --- Destinations that die or stay silent ------------------------------------------------------------------


class FallingSilent:
    """A destination that takes so many instances; in the middle of the next it dies, or says no more."""

    def __init__(self, takes: int, *, dies: bool) -> None:
        self._takes, self._dies = takes, dies
        self.taken: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Nobody is there any more."""
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._open.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        connection = Connection.accepting(sock)
        with suppress(AssociationAborted, OSError, ValueError):
            for event in connection.events():
                if isinstance(event, AssociationRequested):
                    policy = AcceptorPolicy(lambda uid: SyntaxOffer(()))
                    connection.accept(negotiate(event.request, policy))
                elif isinstance(event, ReleaseRequested):
                    connection.confirm_release()
                elif isinstance(event, CommandReceived):
                    command = event.command
                elif isinstance(event, DataReceived):
                    if len(self.taken) >= self._takes and self._dies:
                        self.close()
                        return
                    if event.is_last and len(self.taken) < self._takes:
                        self.taken.append(command.affected_sop_instance_uid)
                        connection.send_message(event.context_id, command.response(0x0000))


@pytest.fixture
def falling_silent(server: Filmless, request: pytest.FixtureRequest) -> Iterator[FallingSilent]:
    """A node of ours."""
    takes, dies = request.param
    destination = FallingSilent(takes, dies=dies)
    words = ("node", "add", "FALLING", "127.0.0.1", str(destination.port), "--associations", "1")
    run_command(server.environment, *words)
    yield destination
    destination.close()
    run_command(server.environment, "node", "remove", "FALLING")


@pytest.mark.parametrize("falling_silent", [(0, True), (20, True)], indirect=True, ids=["first", "later"])
def test_a_destination_that_dies_in_the_middle_of_an_instance_is_counted_exactly(
    server: Filmless, falling_silent: FallingSilent
) -> None:
    outcome = move(peer_of(server), STUDY_ROOT_MOVE, "FALLING", WHOLE_STUDY)
    taken = len(falling_silent.taken)
    assert outcome.counts == (taken, SLICES - taken, 0, None)
    assert outcome.status == (0xB000 if taken else 0xA702)
    assert set(outcome.failed_uids) == set(UIDS) - set(falling_silent.taken)
    assert len(outcome.failed_uids) == SLICES - taken
    check_that_others_are_served(server)


@pytest.mark.parametrize("falling_silent", [(5, False)], indirect=True, ids=["silent"])
def test_an_asker_hears_while_a_destination_is_silent_and_may_leave(
    server: Filmless, falling_silent: FallingSilent
) -> None:
    seen = 0

    def look(association: Requestor, message_id: int) -> None:
        nonlocal seen
        seen += len(falling_silent.taken) == 5
        if seen == 4:  # Signs of life go on although nothing moves.
            check_that_others_are_served(server)
            raise AssociationAborted("The asker has had enough.")

    with pytest.raises(AssociationAborted):
        move(peer_of(server), STUDY_ROOT_MOVE, "FALLING", WHOLE_STUDY, on_pending=look)
    check_that_others_are_served(server)


def test_a_destination_that_never_answers_is_given_up_and_counted_exactly(
    sqlite_database: Database, object_store: FolderObjectStore, tmp_path: Path
) -> None:
    archive, me = Archive(sqlite_database, object_store), system_actor("test")
    for number in range(1, 11):
        receive_part10(archive, me, "TEST", [part10(a_ct_slice(number))])
    keys = RetrieveKeys(study_instance_uids=(STUDY,))
    rows = find_instances_to_send(archive, me, RetrieveLevel.STUDY, keys, Transfer("FALLING"))
    destination = FallingSilent(5, dies=False)
    # A C-MOVE has a minute's patience with each of four associations, too long for a test.
    impatient = Peer("127.0.0.1", destination.port, "FALLING", "FILMLESS", answer_seconds=0.5)
    services = Services(archive, "FILMLESS", Sandbox(), TLSFiles(tmp_path))
    outgoing = [outgoing_of(services, row) for row in rows]
    report = send_instances(services, impatient, outgoing, associations_max=1)
    destination.close()
    assert (report.completed, len(report.failed) + report.remaining) == (5, 5)
    assert report.not_sent == set(UIDS[:10]) - set(destination.taken)


# --- Askers that vanish in a C-GET -------------------------------------------------------------------------

LEAVERS = 20


def test_askers_that_abort_in_the_middle_of_a_get_leave_nothing_behind(server: Filmless) -> None:
    takes = [(CT_IMAGE_STORAGE, (EXPLICIT_LE,))]
    assert get(peer_of(server), STUDY_ROOT_GET, WHOLE_STUDY, takes).counts == (SLICES, 0, 0, None)
    process = receiver(server)
    held = len(os.listdir(process / "fd")), len(os.listdir(process / "task"))

    def leave(number: int) -> int:
        raise AssociationAborted("The asker lost power.")

    for _ in range(LEAVERS):
        with pytest.raises(AssociationAborted):
            get(peer_of(server), STUDY_ROOT_GET, WHOLE_STUDY, takes, answer=leave)
    wait_until(lambda: len(os.listdir(process / "fd")) <= held[0])
    wait_until(lambda: len(os.listdir(process / "task")) <= held[1])
    outcome = get(peer_of(server), STUDY_ROOT_GET, WHOLE_STUDY, takes)
    assert (outcome.counts, outcome.stored_uids) == ((SLICES, 0, 0, None), UIDS)
