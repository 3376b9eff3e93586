"""Receiving an instance: durable, indexed, counted; or kept aside with a reason."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from pydicom.dataset import Dataset

from builders import DEFLATED, EXPLICIT_LE, IMPLICIT_LE, a_ct_slice, announced, encoded, part10
from filmless.features.access import node_actor
from filmless.features.archive import (
    Archive,
    DataSetDoesNotMatchSOPClass,
    DemographicsConflict,
    DuplicateWithOtherContent,
    InstanceElsewhere,
    MissingIdentifiers,
    NotDICOM,
    PatientMismatch,
    ReceiveContext,
    StoreOutcome,
    StoreStatus,
    UnreadableDataSet,
    begin_receive,
    end_transfers,
    receive_part10,
)
from filmless.features.archive.tables import instances, quarantine, series, studies
from filmless.features.audit.tables import audit_records
from filmless.features.patients.tables import patients
from filmless.infra.database import Database
from filmless.infra.errors import FilmlessError, Invalid, NotPermitted, Unavailable
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.outbox import outbox
from frozen_clock import FrozenClock

NODE = node_actor("TESTMODALITY", "192.0.2.7")


@pytest.fixture
def archive(database: Database, object_store: FolderObjectStore) -> Archive:
    return Archive(database, object_store)


def store(archive: Archive, data_set: Dataset, transfer_syntax_uid: str = EXPLICIT_LE) -> StoreOutcome:
    return store_bytes(
        archive, encoded(data_set, transfer_syntax_uid), announced(data_set, transfer_syntax_uid)
    )


def store_bytes(archive: Archive, data: bytes, context: ReceiveContext) -> StoreOutcome:
    reception = begin_receive(archive, NODE, context)
    for start in range(0, len(data), 100):  # In pieces, as a network brings them.
        reception.write((memoryview(data)[start : start + 100],))
    return reception.finish()


def rows_of(archive: Archive, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    with archive.database.read() as tx:
        return list(tx.execute(sa.select(table).order_by(*table.primary_key.columns)).all())


def objects_of(archive: Archive) -> set[str]:
    return {stored.object_id for stored in archive.object_store.list_objects()}


class TestStore:
    def test_an_instance_is_indexed_at_all_four_levels(self, archive: Archive) -> None:
        outcome = store(archive, a_ct_slice())
        assert outcome.status is StoreStatus.STORED
        [patient], [study], [one_series], [instance] = (
            rows_of(archive, table) for table in (patients, studies, series, instances)
        )
        assert (patient.patient_id, patient.issuer_of_patient_id) == ("TEST-1", "TESTS")
        assert patient.patient_name == "Synthetic^Müller"
        assert (study.study_date, study.accession_number, study.modalities_in_study) == (
            "20260131",
            "ACC1",
            "CT",
        )
        assert (one_series.modality, one_series.series_number) == ("CT", 1)
        assert (instance.rows, instance.columns, instance.source_ae_title) == (8, 8, "TESTMODALITY")

    def test_the_object_holds_the_data_set_byte_for_byte(self, archive: Archive) -> None:
        data_set = a_ct_slice()
        store(archive, data_set)
        [instance] = rows_of(archive, instances)
        held = archive.object_store.read(instance.object_id, instance.data_set_offset)
        assert held == encoded(data_set)
        assert instance.object_bytes == instance.data_set_offset + len(held)

    @pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, DEFLATED])
    def test_the_header_is_understood_in_every_encoding(self, archive: Archive, syntax: str) -> None:
        store(archive, a_ct_slice(), syntax)
        [patient] = rows_of(archive, patients)
        assert patient.patient_name == "Synthetic^Müller"

    def test_counts_sizes_and_modalities_are_kept_in_the_same_commit(self, archive: Archive) -> None:
        store(archive, a_ct_slice(1, series=1))
        store(archive, a_ct_slice(2, series=1))
        store(archive, a_ct_slice(1, series=2, Modality="SR"))
        [study] = rows_of(archive, studies)
        assert (study.number_of_series, study.number_of_instances) == (2, 3)
        assert study.modalities_in_study == "CT\\SR"
        assert study.size_bytes == sum(row.object_bytes for row in rows_of(archive, instances))
        assert [row.number_of_instances for row in rows_of(archive, series)] == [2, 1]

    def test_growth_is_announced_and_audited_in_the_same_commit(self, archive: Archive) -> None:
        store(archive, a_ct_slice())
        [fact] = rows_of(archive, outbox)
        [record] = rows_of(archive, audit_records)
        assert fact.kind == "SeriesGrew"
        assert (record.event, record.actor, record.address) == ("110104", "TESTMODALITY", "192.0.2.7")

    def test_a_header_longer_than_the_first_look_is_read_from_the_object(self, archive: Archive) -> None:
        store(archive, a_ct_slice(ImageComments="x" * 200_000, StudyDescription="before the long one"))
        [instance] = rows_of(archive, instances)
        assert instance.rows == 8

    def test_many_senders_at_once_share_commits_and_lose_nothing(self, archive: Archive) -> None:
        def send(number: int) -> None:
            for index in range(10):
                store(archive, a_ct_slice(index + 1, series=number))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [study] = rows_of(archive, studies)
        assert (study.number_of_series, study.number_of_instances) == (4, 40)
        assert {row.object_id for row in rows_of(archive, instances)} == objects_of(archive)

    def test_a_node_without_the_permission_stores_nothing(self, archive: Archive) -> None:
        stranger = node_actor("STRANGER", "")
        object.__setattr__(stranger, "permissions", frozenset())
        with pytest.raises(NotPermitted):
            begin_receive(archive, stranger, announced(a_ct_slice()))
        assert objects_of(archive) == set()

    @pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1.2.3\0", "1" * 65, "abc"])
    def test_what_is_no_uid_is_refused_before_a_byte_is_written(self, archive: Archive, uid: str) -> None:
        with pytest.raises(Invalid):
            begin_receive(archive, NODE, ReceiveContext("1.2", uid, EXPLICIT_LE, "X"))
        assert objects_of(archive) == set()

    def test_an_abandoned_reception_leaves_nothing(self, archive: Archive) -> None:
        reception = begin_receive(archive, NODE, announced(a_ct_slice()))
        reception.write((b"half a data set",))
        reception.abandon()
        assert objects_of(archive) == set()
        assert rows_of(archive, instances) == []


class TestAuditOfTransfers:
    @staticmethod
    def transferred(archive: Archive) -> list[int]:
        return [
            orjson.loads(row.details)["instances"]
            for row in rows_of(archive, audit_records)
            if row.event == "110104"
        ]

    def test_a_transfer_is_recorded_with_its_first_instance_and_when_the_sender_leaves(
        self, archive: Archive
    ) -> None:
        for number in range(1, 6):
            store(archive, a_ct_slice(number))
        assert self.transferred(archive) == [1]
        end_transfers(archive, NODE)
        assert self.transferred(archive) == [1, 4]
        end_transfers(archive, NODE)
        assert self.transferred(archive) == [1, 4]

    def test_a_long_transfer_is_recorded_each_minute(self, archive: Archive, clock: FrozenClock) -> None:
        for number in range(1, 7):
            store(archive, a_ct_slice(number))
            clock.advance(25)
        assert self.transferred(archive) == [1, 3]

    def test_each_study_and_each_sender_has_records_of_its_own(self, archive: Archive) -> None:
        store(archive, a_ct_slice(1, study=1))
        store(archive, a_ct_slice(1, study=2))
        assert len({row.study_instance_uid for row in rows_of(archive, audit_records)}) == 2

    def test_a_commit_that_failed_counts_nothing(self, archive: Archive) -> None:
        store(archive, a_ct_slice(1))
        with archive.database.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE instances RENAME TO instances_gone"))
        with pytest.raises(FilmlessError):
            store(archive, a_ct_slice(2))
        with archive.database.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE instances_gone RENAME TO instances"))
        end_transfers(archive, NODE)
        assert self.transferred(archive) == [1]


class TestTheSameAgain:
    def test_the_same_bytes_are_success_and_stored_once(self, archive: Archive) -> None:
        store(archive, a_ct_slice())
        assert store(archive, a_ct_slice()).status is StoreStatus.ALREADY_STORED
        assert len(objects_of(archive)) == len(rows_of(archive, instances)) == 1
        [study] = rows_of(archive, studies)
        assert study.number_of_instances == 1

    def test_the_same_instance_from_many_senders_at_once_is_stored_once(self, archive: Archive) -> None:
        outcomes: list[StoreOutcome] = []
        threads = [
            threading.Thread(target=lambda: outcomes.append(store(archive, a_ct_slice()))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcome.status for outcome in outcomes) == ["already stored"] * 7 + ["stored"]
        assert len(objects_of(archive)) == 1

    def test_other_bytes_under_the_same_uid_are_kept_aside_and_the_sender_is_told(
        self, archive: Archive
    ) -> None:
        store(archive, a_ct_slice())
        with pytest.raises(DuplicateWithOtherContent):
            store(archive, a_ct_slice(StudyDescription="changed"))
        [item] = rows_of(archive, quarantine)
        assert item.reason == "duplicate_with_other_content"
        assert b"changed" in archive.object_store.read(item.object_id)
        [study] = rows_of(archive, studies)
        assert study.study_description == "CT Kopf"

    def test_a_stubborn_sender_fills_no_disk(self, archive: Archive) -> None:
        store(archive, a_ct_slice())
        for _ in range(3):
            with pytest.raises(DuplicateWithOtherContent):
                store(archive, a_ct_slice(StudyDescription="changed"))
        assert len(rows_of(archive, quarantine)) == 1
        assert len(objects_of(archive)) == 2


QUARANTINED = [
    ("the study belongs to another patient", {"PatientID": "TEST-2"}, PatientMismatch),
    ("the issuer differs", {"IssuerOfPatientID": "ELSEWHERE"}, PatientMismatch),
    ("the birth date differs", {"PatientBirthDate": "19811111"}, DemographicsConflict),
    (
        "the name shares nothing and no birth date helps",
        {"PatientName": "Other^Person", "PatientBirthDate": ""},
        DemographicsConflict,
    ),
    ("the series is part of another study", {"StudyInstanceUID": "1.2.3.4"}, InstanceElsewhere),
    ("there is no study", {"StudyInstanceUID": None}, MissingIdentifiers),
    ("the series UID is none", {"SeriesInstanceUID": "one"}, MissingIdentifiers),
]


class TestQuarantine:
    @pytest.mark.parametrize(("why", "changes", "error"), QUARANTINED, ids=[row[0] for row in QUARANTINED])
    def test_a_contradiction_is_kept_aside(
        self, archive: Archive, why: str, changes: dict[str, object], error: type[FilmlessError]
    ) -> None:
        store(archive, a_ct_slice(1))
        with pytest.raises(error):
            store(archive, a_ct_slice(2, **changes))
        [item] = rows_of(archive, quarantine)
        assert item.object_id in objects_of(archive)
        assert len(rows_of(archive, instances)) == 1

    def test_the_same_id_with_another_birth_date_is_not_merged(self, archive: Archive) -> None:
        store(archive, a_ct_slice(study=1))
        with pytest.raises(DemographicsConflict):
            store(archive, a_ct_slice(study=2, PatientBirthDate="19810101", PatientName="Other^Person"))
        assert len(rows_of(archive, studies)) == 1

    def test_two_issuers_may_use_the_same_number(self, archive: Archive) -> None:
        store(archive, a_ct_slice(study=1))
        store(archive, a_ct_slice(study=2, IssuerOfPatientID="ELSEWHERE", PatientName="Other^Person"))
        assert len(rows_of(archive, patients)) == 2

    def test_images_without_a_patient_id_never_become_one_patient(self, archive: Archive) -> None:
        store(archive, a_ct_slice(study=1, PatientID=""))
        store(archive, a_ct_slice(study=2, PatientID=""))
        assert len(rows_of(archive, patients)) == 2

    def test_a_new_name_with_the_same_birth_date_is_the_same_person(self, archive: Archive) -> None:
        store(archive, a_ct_slice(study=1))
        store(archive, a_ct_slice(study=2, PatientName="Newlywed^Anna"))
        assert len(rows_of(archive, patients)) == 1

    def test_what_was_unknown_of_a_patient_is_filled_in(self, archive: Archive) -> None:
        store(archive, a_ct_slice(study=1, PatientBirthDate="", PatientSex=""))
        store(archive, a_ct_slice(study=2))
        [patient] = rows_of(archive, patients)
        assert (patient.patient_birth_date, patient.patient_sex) == ("19700102", "O")

    def test_a_data_set_announced_as_another_is_kept_aside(self, archive: Archive) -> None:
        with pytest.raises(DataSetDoesNotMatchSOPClass):
            store_bytes(archive, encoded(a_ct_slice(1)), announced(a_ct_slice(2)))
        assert len(rows_of(archive, quarantine)) == 1

    @pytest.mark.parametrize("cut", [20, 200, -64])
    def test_a_data_set_that_breaks_off_is_kept_aside(self, archive: Archive, cut: int) -> None:
        data_set = a_ct_slice()
        with pytest.raises((UnreadableDataSet, DataSetDoesNotMatchSOPClass, MissingIdentifiers)):
            store_bytes(archive, encoded(data_set)[:cut], announced(data_set))
        assert len(rows_of(archive, quarantine)) == 1
        assert rows_of(archive, instances) == []

    def test_garbage_is_kept_aside(self, archive: Archive) -> None:
        with pytest.raises(UnreadableDataSet):
            store_bytes(archive, b"\xff" * 1000, announced(a_ct_slice()))
        assert len(rows_of(archive, quarantine)) == 1

    def test_text_that_no_database_holds_is_cleaned(self, archive: Archive) -> None:
        data_set = a_ct_slice(StudyDescription="a\0b", PatientName="Nul\0Byte^Synthetic")
        store(archive, data_set)
        [study] = rows_of(archive, studies)
        assert "\0" not in study.study_description


class TestFaults:
    def test_a_failed_commit_is_unavailable_and_leaves_the_index_as_it_was(self, archive: Archive) -> None:
        with archive.database.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE instances RENAME TO instances_gone"))
        with pytest.raises(FilmlessError):
            store(archive, a_ct_slice())
        with archive.database.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE instances_gone RENAME TO instances"))
        assert rows_of(archive, studies) == []
        store(archive, a_ct_slice())
        assert len(rows_of(archive, instances)) == 1

    def test_a_store_that_cannot_sync_says_so_and_shows_nothing(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(_: int) -> None:
            raise OSError(5, "Input/output error")

        reception = begin_receive(archive, NODE, announced(a_ct_slice()))
        reception.write((encoded(a_ct_slice()),))
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(Unavailable):
            reception.finish()
        assert rows_of(archive, instances) == []
        assert objects_of(archive) == set()


class TestFiles:
    @staticmethod
    def chunks(data: bytes, size: int = 100) -> Iterator[bytes]:
        for start in range(0, len(data), size):
            yield data[start : start + size]

    @pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
    def test_a_file_is_stored_whatever_the_pieces(self, archive: Archive, size: int) -> None:
        receive_part10(archive, NODE, "DISC", self.chunks(part10(a_ct_slice()), size))
        [instance] = rows_of(archive, instances)
        kept = archive.object_store.read(instance.object_id, instance.data_set_offset)
        assert kept == encoded(a_ct_slice())

    def test_a_data_set_without_file_meta_information_is_stored(self, archive: Archive) -> None:
        receive_part10(archive, NODE, "DISC", self.chunks(encoded(a_ct_slice(), IMPLICIT_LE)))
        [instance] = rows_of(archive, instances)
        assert instance.transfer_syntax_uid == IMPLICIT_LE

    @pytest.mark.parametrize(
        "data", [b"", b"x", b"hello world" * 100, b"\x89PNG\r\n" + b"\0" * 500, b"\0" * 132]
    )
    def test_what_is_no_dicom_leaves_nothing(self, archive: Archive, data: bytes) -> None:
        with pytest.raises(NotDICOM):
            receive_part10(archive, NODE, "DISC", self.chunks(data))
        assert objects_of(archive) == set()
        assert rows_of(archive, quarantine) == []

    def test_the_data_set_says_who_it_is_not_the_file_meta_information(self, archive: Archive) -> None:
        data_set = a_ct_slice()
        whole = part10(data_set).replace(
            data_set.SOPInstanceUID.encode(), b"9.8.7".ljust(len(data_set.SOPInstanceUID), b"\0"), 1
        )
        outcome = receive_part10(archive, NODE, "DISC", [whole])
        assert outcome.sop_instance_uid == data_set.SOPInstanceUID

    def test_a_dicomdir_is_no_instance(self, archive: Archive) -> None:
        with pytest.raises(NotDICOM):
            receive_part10(archive, NODE, "DISC", [part10(a_ct_slice(SOPClassUID="1.2.840.10008.1.3.10"))])


class TestDurability:
    def test_one_object_that_does_not_become_durable_does_not_hold_up_the_others(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = a_ct_slice(3).SOPInstanceUID
        real = os.fdatasync

        def sync(descriptor: int) -> None:
            if broken.encode() in Path(f"/proc/self/fd/{descriptor}").read_bytes():
                raise OSError(5, "Input/output error")
            real(descriptor)

        monkeypatch.setattr(os, "fdatasync", sync)
        answers: dict[int, object] = {}

        def send(number: int) -> None:
            try:
                answers[number] = store(archive, a_ct_slice(number)).status
            except FilmlessError as error:
                answers[number] = type(error)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers.pop(3) is Unavailable
        assert set(answers.values()) == {StoreStatus.STORED}
        assert {row.object_id for row in rows_of(archive, instances)} == objects_of(archive)
        [study] = rows_of(archive, studies)
        assert study.number_of_instances == 5
