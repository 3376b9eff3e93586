"""A small archive to ask: two patients, three studies, with requests, procedures and other optional keys."""

from pydicom.dataset import Dataset

from builders import EXPLICIT_LE, a_ct_slice, part10
from filmless.features.access import system_actor
from filmless.features.archive import Archive, receive_part10

ME = system_actor("test")


def code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99TEST", meaning
    return item


def request(procedure: str, step: str) -> Dataset:
    item = Dataset()
    item.RequestedProcedureID, item.ScheduledProcedureStepID = procedure, step
    item.RequestedProcedureDescription = "Kopf"
    return item


def keep(archive: Archive, *slices: Dataset, syntax: str = EXPLICIT_LE) -> None:
    for one in slices:
        receive_part10(archive, ME, "TEST", [part10(one, syntax)])


def fill(archive: Archive) -> None:
    keep(
        archive,
        a_ct_slice(
            1,
            PatientAge="056Y",
            OperatorsName="Röntgen^Resi",
            ProcedureCodeSequence=[code("P1", "Kopf nativ"), code("P2", "Kopf mit KM")],
            RequestAttributesSequence=[request("RP1", "SPS1")],
            KVP="120.5",
        ),
        a_ct_slice(2),
        a_ct_slice(1, series=2, Modality="SR", RequestAttributesSequence=[request("RP1", "SPS2")]),
        a_ct_slice(1, study=2, StudyDate="20250101", TimezoneOffsetFromUTC="+0100"),
        a_ct_slice(1, study=3, PatientID="TEST-2", PatientName="Other^Person", PatientBirthDate="19800203"),
    )
