"""Storage commitment with pynetdicom and Orthanc, asked of us and by us; a notice of a study to pynetdicom.

DCMTK's package has no tool for it. The reports go both ways that the standard knows: on the association of
the question, and on a new one that the reporting side opens as SCP.
"""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
from bench.filmless_server import run_command
from bench.orthanc import Orthanc, is_installed
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom import AE, build_role, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    InstanceAvailabilityNotification,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from builders import CT_IMAGE_STORAGE, EXPLICIT_LE, ROOT, a_ct_slice, part10
from commitment_sites import US, Site, open_site
from department import Filmless
from filmless.features.commitment import NoticeState, find_notices, subscribe_to_availability
from held_instances import hold

__all__ = ["open_site"]

pytestmark = [pytest.mark.peer, pytest.mark.slow]
needs_orthanc = pytest.mark.skipif(not is_installed(), reason="needs Orthanc (apt-get install orthanc)")

SECONDS_MAX = 30
TRANSACTION = "2.25.4711"
UNKNOWN = f"{ROOT}.404"


# --- What both sides do ------------------------------------------------------------------------------------


class Reports:
    """The N-EVENT-REPORTs that a pynetdicom peer heard."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self.heard: list[tuple[int, Dataset]] = []

    def on_event_report(self, event: Event) -> tuple[int, None]:
        self.heard.append((event.event_type, event.event_information))
        self._arrived.release()
        return 0x0000, None

    def wait(self) -> tuple[int, Dataset]:
        assert self._arrived.acquire(timeout=SECONDS_MAX)
        return self.heard[-1]


def naming(*sop_instance_uids: str, transaction_uid: str = TRANSACTION) -> Dataset:
    """A transaction that names CT images."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = Sequence()
    for uid in sop_instance_uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT_IMAGE_STORAGE, uid
        information.ReferencedSOPSequence.append(item)
    return information


def names(sequence: Any) -> set[str]:
    return {item.ReferencedSOPInstanceUID for item in sequence or ()}


def associate(server: Filmless, *contexts: str, handlers: Any = (), roles: Any = ()) -> Any:
    entity = AE("PYNETDICOM")
    for uid in contexts:
        entity.add_requested_context(uid, EXPLICIT_LE)
    association = entity.associate(
        *server.dicom_address, ae_title=server.ae_title, evt_handlers=list(handlers), ext_neg=list(roles)
    )
    assert association.is_established
    return association


def send(server: Filmless, *numbers: int) -> list[str]:
    """Store CT slices; their SOP Instance UIDs."""
    association = associate(server, CTImageStorage)
    uids = []
    for number in numbers:
        file = pydicom.dcmread(io.BytesIO(part10(a_ct_slice(number))))
        assert association.send_c_store(file).Status == 0x0000
        uids.append(str(file.SOPInstanceUID))
    association.release()
    return uids


def register(server: Filmless, ae_title: str, port: int) -> None:
    run_command(server.environment, "node", "add", ae_title, "127.0.0.1", str(port))


def until(server: Filmless, path: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first item of a list of ours once it is as wanted."""
    return waited_for(
        lambda: httpx.get(f"{server.http_url}/api{path}", headers=server.headers, trust_env=False).json()[
            "items"
        ][0],
        is_so,
    )


def waited_for(look: Callable[[], dict[str, Any]], is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What `look` shows once it is as wanted; neither server tells, so it is asked."""
    pause = threading.Event()
    for _ in range(SECONDS_MAX * 10):
        found = look()
        if is_so(found):
            return found
        pause.wait(0.1)
    raise AssertionError(f"It never was so: {found}")


# --- pynetdicom asks us ------------------------------------------------------------------------------------


def test_pynetdicom_asks_and_hears_on_its_own_association(running_server: Filmless) -> None:
    held = send(running_server, 1, 2)
    reports = Reports()
    handlers = [(evt.EVT_N_EVENT_REPORT, reports.on_event_report)]
    association = associate(running_server, StorageCommitmentPushModel, handlers=handlers)
    status, _ = association.send_n_action(
        naming(*held, UNKNOWN), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    assert status.Status == 0x0000
    event_type, information = reports.wait()
    association.release()
    assert event_type == 2
    assert information.TransactionUID == TRANSACTION
    assert names(information.ReferencedSOPSequence) == set(held)
    assert [
        (item.ReferencedSOPInstanceUID, item.FailureReason) for item in information.FailedSOPSequence
    ] == [(UNKNOWN, 0x0112)]
    assert information.RetrieveAETitle == "FILMLESS"


@pytest.fixture
def listening_modality() -> Iterator[tuple[int, Reports]]:
    """A pynetdicom that takes reports on associations of ours: its port, and what it heard."""
    reports = Reports()
    entity = AE("PYNETDICOM")
    entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, reports.on_event_report)]
    )
    yield server.socket.getsockname()[1], reports
    server.shutdown()


def test_a_registered_pynetdicom_hears_on_an_association_of_ours(
    running_server: Filmless, listening_modality: tuple[int, Reports]
) -> None:
    port, reports = listening_modality
    register(running_server, "PYNETDICOM", port)
    held = send(running_server, 1, 2)
    association = associate(running_server, StorageCommitmentPushModel)
    status, _ = association.send_n_action(
        naming(*held), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    association.release()  # It leaves at once, as modalities do.
    assert status.Status == 0x0000
    event_type, information = reports.wait()
    assert (event_type, names(information.ReferencedSOPSequence)) == (1, set(held))
    assert "FailedSOPSequence" not in information
    until(running_server, "/commitments/received", lambda row: row["state"] == "reported")


def test_a_report_survives_the_death_of_everything_after_the_answer(
    running_server: Filmless, listening_modality: tuple[int, Reports]
) -> None:
    port, reports = listening_modality
    register(running_server, "PYNETDICOM", port)
    held = send(running_server, 1)
    association = associate(running_server, StorageCommitmentPushModel)
    status, _ = association.send_n_action(
        naming(*held), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    running_server.kill()
    association.abort()
    assert status.Status == 0x0000
    running_server.start()
    event_type, information = reports.wait()
    assert (event_type, names(information.ReferencedSOPSequence)) == (1, set(held))


def test_a_damaged_object_is_not_committed(
    running_server: Filmless, listening_modality: tuple[int, Reports]
) -> None:
    port, reports = listening_modality
    register(running_server, "PYNETDICOM", port)
    held = send(running_server, 1)
    [file] = [
        path
        for path in Path(running_server.environment["FILMLESS_DATA"], "objects").rglob("*")
        if path.is_file() and path.stat().st_size
    ]
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    association = associate(running_server, StorageCommitmentPushModel)
    association.send_n_action(
        naming(*held), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
    )
    association.release()
    event_type, information = reports.wait()
    assert (event_type, information.FailedSOPSequence[0].FailureReason) == (2, 0x0110)
    assert "ReferencedSOPSequence" not in information


# --- We ask pynetdicom -------------------------------------------------------------------------------------


class CommittingPeer:
    """A pynetdicom that answers our question, then reports on the same association or on its own."""

    def __init__(self, server: Filmless, *, on_same_association: bool) -> None:
        self._filmless = server
        self._on_same_association = on_same_association
        self._asked: Dataset | None = None
        self.statuses: list[int] = []
        entity = AE("COMMITTING")
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers = [(evt.EVT_N_ACTION, self._on_action), (evt.EVT_DIMSE_SENT, self._on_sent)]
        self._server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = self._server.socket.getsockname()[1]
        self._threads: list[threading.Thread] = []

    def _on_action(self, event: Event) -> tuple[int, None]:
        self._asked = event.action_information
        return 0x0000, None

    def _on_sent(self, event: Event) -> None:
        """The answer to N-ACTION is on its way: report now, from a thread of our own."""
        if type(event.message).__name__ == "N_ACTION_RSP":
            thread = threading.Thread(target=self._report, args=(event.assoc,))
            self._threads.append(thread)
            thread.start()

    def _report(self, association: Any) -> None:
        assert self._asked is not None
        if not self._on_same_association:
            role = build_role(StorageCommitmentPushModel, scp_role=True)
            association = associate(self._filmless, StorageCommitmentPushModel, roles=[role])
        status, _ = association.send_n_event_report(
            self._asked, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        self.statuses.append(status.get("Status", -1))
        if not self._on_same_association:
            association.release()

    def close(self) -> None:
        for thread in self._threads:
            thread.join(SECONDS_MAX)
        self._server.shutdown()


@pytest.mark.parametrize("on_same_association", [True, False], ids=["same association", "its own"])
def test_pynetdicom_commits_to_us(running_server: Filmless, on_same_association: bool) -> None:
    send(running_server, 1, 2)
    peer = CommittingPeer(running_server, on_same_association=on_same_association)
    try:
        register(running_server, "COMMITTING", peer.port)
        run_command(running_server.environment, "commitment", "ask", "COMMITTING", f"{ROOT}.1")
        row = until(running_server, "/commitments/asked", lambda row: row["state"] == "committed")
    finally:
        peer.close()
    assert (row["number_of_instances"], row["number_failed"]) == (2, 0)
    assert row["reported_by"] == ("COMMITTING" if on_same_association else "PYNETDICOM")
    assert peer.statuses == [0x0000]


# --- Orthanc -----------------------------------------------------------------------------------------------


@pytest.fixture
def orthanc(running_server: Filmless) -> Iterator[str]:
    """An Orthanc that knows us, and that we know; the address of its REST interface."""
    with Orthanc() as other:
        url = f"http://127.0.0.1:{other.http_address[1]}"
        us = {"AET": "FILMLESS", "Host": "127.0.0.1", "Port": running_server.dicom_address[1]}
        httpx.put(f"{url}/modalities/filmless", json=us, trust_env=False).raise_for_status()
        register(running_server, "ORTHANC", other.dicom_address[1])
        yield url


@needs_orthanc
def test_orthanc_asks_and_hears_from_us(running_server: Filmless, orthanc: str) -> None:
    [held] = send(running_server, 1)
    body = {"DicomInstances": [[CT_IMAGE_STORAGE, held], [CT_IMAGE_STORAGE, UNKNOWN]]}
    answer = httpx.post(f"{orthanc}/modalities/filmless/storage-commitment", json=body, trust_env=False)
    path = answer.raise_for_status().json()["Path"]
    report = waited_for(
        lambda: httpx.get(f"{orthanc}{path}", trust_env=False).json(),
        lambda found: found["Status"] != "Pending",
    )
    assert (report["Status"], report["RemoteAET"]) == ("Failure", "FILMLESS")
    assert [one["SOPInstanceUID"] for one in report["Success"]] == [held]
    assert [(one["SOPInstanceUID"], one["FailureReason"]) for one in report["Failures"]] == [
        (UNKNOWN, 0x0112)
    ]


@needs_orthanc
@pytest.mark.parametrize("orthanc_has_it", [True, False])
def test_orthanc_answers_our_question(running_server: Filmless, orthanc: str, orthanc_has_it: bool) -> None:
    send(running_server, 1, 2)
    for number in (1, 2) if orthanc_has_it else (1,):
        file = part10(a_ct_slice(number))
        httpx.post(f"{orthanc}/instances", content=file, trust_env=False).raise_for_status()
    run_command(running_server.environment, "commitment", "ask", "ORTHANC", f"{ROOT}.1")
    row = until(running_server, "/commitments/asked", lambda row: "committed" in row["state"])
    assert (row["state"], row["number_failed"], row["reported_by"]) == (
        ("committed", 0, "ORTHANC") if orthanc_has_it else ("partly committed", 1, "ORTHANC")
    )


# --- Instance availability ---------------------------------------------------------------------------------


def test_pynetdicom_is_told_which_study_can_be_retrieved(open_site: Callable[[str], Site]) -> None:
    told: list[tuple[str, Dataset]] = []

    def on_create(event: Event) -> tuple[int, Dataset]:
        told.append((event.request.AffectedSOPInstanceUID, event.attribute_list))
        return (0x0000 if len(told) == 1 else 0x0111), event.attribute_list

    entity = AE("RIS")
    entity.add_supported_context(InstanceAvailabilityNotification)
    ris = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_CREATE, on_create)])
    try:
        us = open_site("FILMLESS")
        us.knows("RIS", ris.socket.getsockname()[1])
        subscribe_to_availability(us.database, US, "RIS")
        references = [hold(us.archive, 1), hold(us.archive, 1, series=2)]
        us.work()
        us.work(after_seconds=61)
    finally:
        ris.shutdown()
    [(uid, attributes)] = told
    assert uid.startswith("2.25.")
    assert attributes.StudyInstanceUID == f"{ROOT}.1"
    assert list(attributes.ReferencedPerformedProcedureStepSequence) == []
    items = [item for series in attributes.ReferencedSeriesSequence for item in series.ReferencedSOPSequence]
    assert names(items) == {one.sop_instance_uid for one in references}
    assert {(item.InstanceAvailability, item.RetrieveAETitle) for item in items} == {("ONLINE", "FILMLESS")}
    [notice], _ = find_notices(us.database, US, None, 10, 0)
    assert notice.state is NoticeState.TOLD
