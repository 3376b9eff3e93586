"""De-identification: no original identifier survives, what belongs together stays together."""

import io
from collections.abc import Iterator
from datetime import date

import pydicom
import pytest
from dicom_files import DicomFile, all_files
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from builders import EXPLICIT_LE, a_ct_slice, encoded
from filmless.standards.dicom.deidentification import (
    Deidentified,
    MayShowIdentity,
    Option,
    Project,
    deidentify,
)
from filmless.standards.dicom.elements import MalformedDataSet

PROJECT = Project("trial 7", b"a secret of the project")
NAMED = {"PN", "LO", "SH", "LT", "ST", "UT", "DA", "DT", "UI"}
# Values that name nobody, though they stand where names may stand.
HARMLESS = {"", "M", "F", "O", "NO", "YES", "ORIGINAL", "ANONYMIZED", "UNKNOWN", "NONE", "0", "1", "Unknown"}


def cleaned(data_set: Dataset, project: Project = PROJECT) -> Dataset:
    return read_back(deidentify(encoded(data_set), EXPLICIT_LE, project))


def read_back(result: Deidentified, transfer_syntax_uid: str = EXPLICIT_LE) -> Dataset:
    syntax = UID(transfer_syntax_uid)
    read = pydicom.filereader.read_dataset(
        io.BytesIO(result.data), syntax.is_implicit_VR, syntax.is_little_endian
    )
    read.walk(lambda *_: None)
    return read


def everything(data_set: Dataset) -> Iterator[tuple[str, str, str]]:
    """Keyword, VR and text of every value, at every depth."""
    for element in data_set.iterall():
        if element.VR in NAMED and element.value is not None:
            values = element.value if element.VM > 1 else [element.value]
            yield from ((element.keyword or str(element.tag), element.VR, str(value)) for value in values)


TABLE = [
    # attribute, before, after (None: it is gone)
    ("PatientBirthDate", "19700101", ""),
    ("AccessionNumber", "A1", ""),
    ("ReferringPhysicianName", "Doc^Tor", ""),
    ("InstitutionName", "St. Elsewhere", "REMOVED"),
    ("StudyDescription", "MR head of Erika", None),
    ("PatientAge", "050Y", None),
    ("PatientAddress", "Main Street 1", None),
    ("StudyDate", "20260102", ""),
    ("StudyTime", "101112", ""),
    ("OperatorsName", "Tech^Nick", "REMOVED"),
    ("NameOfPhysiciansReadingStudy", "Read^Er", None),
    ("KVP", "120", "120"),
    ("Modality", "CT", "CT"),
    ("PatientPosition", "HFS", "HFS"),
]


@pytest.mark.parametrize(("keyword", "before", "after"), TABLE, ids=[row[0] for row in TABLE])
def test_each_attribute_becomes_what_the_profile_says(keyword: str, before: str, after: str | None) -> None:
    result = cleaned(a_ct_slice(**{keyword: before}))
    assert (str(result[keyword].value or "") if keyword in result else None) == after


def test_private_attributes_overlays_and_curves_are_gone() -> None:
    one = a_ct_slice()
    one.private_block(0x0029, "FILMLESS TEST", create=True).add_new(1, "LO", "Erika")
    one.add_new(0x60003000, "OW", b"\0\0")
    one.add_new(0x50003000, "OW", b"\0\0")
    result = cleaned(one)
    assert not [tag for tag in list(result.keys()) if tag.is_private or tag.group in (0x5000, 0x6000)]


def test_names_inside_sequences_are_gone_too() -> None:
    inner = Dataset()
    inner.PatientName, inner.ReferencedSOPInstanceUID, inner.CodeMeaning = "Deep^Down", "1.2.3.4", "Head"
    outer = Dataset()
    outer.SourceImageSequence = Sequence([inner])
    one = a_ct_slice()
    one.DerivationCodeSequence = Sequence([outer])
    result = cleaned(one)
    item = result.DerivationCodeSequence[0].SourceImageSequence[0]
    assert (str(item.PatientName), item.CodeMeaning) == ("", "Head")
    assert item.ReferencedSOPInstanceUID not in ("1.2.3.4", "")


def test_the_text_of_a_report_is_dummied_and_its_codes_stay() -> None:
    content = Dataset()
    content.ValueType, content.TextValue, content.RelationshipType = "TEXT", "Erika has…", "CONTAINS"
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "121071", "Finding"
    content.ConceptNameCodeSequence = Sequence([code])
    one = a_ct_slice()
    one.ContentSequence = Sequence([content])
    item = cleaned(one).ContentSequence[0]
    assert (item.TextValue, item.ConceptNameCodeSequence[0].CodeMeaning) == ("REMOVED", "Finding")


def test_instances_of_one_study_stay_together_and_persons_apart() -> None:
    first, second, other = (
        cleaned(one) for one in (a_ct_slice(1), a_ct_slice(2), a_ct_slice(3, PatientID="ANOTHER"))
    )
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.PatientID == second.PatientID != other.PatientID
    assert first.PatientID.startswith("TRIAL7-")


def test_another_project_gives_other_pseudonyms() -> None:
    theirs = cleaned(a_ct_slice(), Project("trial 7", b"another secret"))
    ours = cleaned(a_ct_slice())
    assert theirs.PatientID != ours.PatientID
    assert theirs.StudyInstanceUID != ours.StudyInstanceUID


def test_the_object_says_what_was_done_to_it() -> None:
    result = cleaned(a_ct_slice(), Project("trial", b"x", frozenset({Option.SHIFT_DATES})))
    assert result.PatientIdentityRemoved == "YES"
    codes = [item.CodeValue for item in result.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]
    assert result.LongitudinalTemporalInformationModified == "MODIFIED"


def test_shifted_dates_keep_their_distance() -> None:
    project = Project("trial", b"x", frozenset({Option.SHIFT_DATES}))
    result = cleaned(a_ct_slice(StudyDate="20260105", AcquisitionDate="20260117"), project)
    days = [
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
        for text in (result.StudyDate, result.AcquisitionDate)
    ]
    assert (days[1] - days[0]).days == 12
    assert days[0] < date(2026, 1, 5)
    assert result.PatientBirthDate == ""


OPTIONS = [
    (Option.RETAIN_FULL_DATES, "StudyDate", "20260105"),
    (Option.RETAIN_PATIENT_CHARACTERISTICS, "PatientAge", "050Y"),
    (Option.RETAIN_UIDS, "StudyInstanceUID", "1.2.3.9"),
]


@pytest.mark.parametrize(("option", "keyword", "value"), OPTIONS, ids=[row[0].name for row in OPTIONS])
def test_an_option_keeps_what_it_is_for(option: Option, keyword: str, value: str) -> None:
    one = a_ct_slice(**{keyword: value})
    kept = cleaned(one, Project("trial", b"x", frozenset({option})))
    assert str(kept[keyword].value) == value
    assert str(cleaned(one).get(keyword) or "") != value


def test_dates_are_not_kept_and_shifted_at_once() -> None:
    with pytest.raises(ValueError, match="either"):
        Project("trial", b"x", frozenset({Option.RETAIN_FULL_DATES, Option.SHIFT_DATES}))


SHOWN = [
    ("1.2.840.10008.5.1.4.1.1.104.1", None),
    ("1.2.840.10008.5.1.4.1.1.6.1", None),
    ("1.2.840.10008.5.1.4.1.1.7", None),
    ("1.2.840.10008.5.1.4.1.1.77.1.4", None),
    ("1.2.840.10008.5.1.4.1.1.2", "YES"),
]


@pytest.mark.parametrize(("sop_class_uid", "burned_in"), SHOWN)
def test_what_may_show_a_name_in_its_pixels_is_refused(sop_class_uid: str, burned_in: str | None) -> None:
    one = a_ct_slice(SOPClassUID=sop_class_uid, **({"BurnedInAnnotation": burned_in} if burned_in else {}))
    with pytest.raises(MayShowIdentity):
        deidentify(encoded(one), EXPLICIT_LE, PROJECT)


def test_somebody_who_looked_may_say_that_nothing_is_burned_in() -> None:
    one = a_ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1", BurnedInAnnotation="NO")
    assert cleaned(one).PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("file", all_files(), ids=lambda file: file.path.name)
def test_no_original_identifier_of_a_real_file_survives(file: DicomFile) -> None:
    before = pydicom.dcmread(file.path, force=True)
    try:
        result = deidentify(file.data_set, file.transfer_syntax_uid, PROJECT)
    except MayShowIdentity:
        return
    except MalformedDataSet:
        pytest.skip("the file is damaged")
    after = read_back(result, file.transfer_syntax_uid)
    kept = {text for _, _, text in everything(after)}
    secret = {text for keyword, vr, text in everything(before) if is_identifying(keyword, vr, text)}
    assert secret & kept == set()
    if "PixelData" in before:
        assert after.PixelData == before.PixelData


LEFT_ALONE = {
    "CodingSchemeUID",
    "TrackingID",
    "UniversalEntityID",
}  # Not in table E.1-1: of schemes and things.


def is_identifying(keyword: str, vr: str, text: str) -> bool:
    if keyword in LEFT_ALONE or text in HARMLESS or len(text) < 4 or text.startswith("1.2.840.10008."):
        return False
    return vr in ("PN", "DA", "UI") or keyword.endswith("ID")
