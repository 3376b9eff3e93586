"""C-FIND that is refused, cancelled or left: in plain words, and the association lives."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import EXPLICIT_LE, IMPLICIT_LE, ROOT, a_ct_slice
from filmless.edge.dimse.find import FindExchange
from filmless.edge.dimse.query_identifier import KEYS_MAX
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.features.archive import Archive, QueryNotUnderstood
from filmless.features.audit import AuditEvent
from filmless.features.audit.tables import audit_records
from filmless.features.nodes import Capability, NewNode, add_node
from filmless.infra.database import Database
from filmless.infra.errors import Unavailable
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet, encode_data_set
from filmless.standards.dicom.dictionary import vr_of
from filmless.standards.dicom.sop_classes import PATIENT_ROOT_FIND, PATIENT_STUDY_ONLY_FIND, STUDY_ROOT_FIND
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_BE
from filmless.standards.dicom.upper_layer import CommandField, CommandSet
from queried_archive import ME, fill, keep
from querying_peer import Answers, Keys, answering, find, find_on, identifier


@pytest.fixture
def archive(sqlite_database: Database, object_store: FolderObjectStore) -> Archive:
    """Two patients: one with two studies (the first has two series), one with one."""
    archive = Archive(sqlite_database, object_store)
    fill(archive)
    return archive


@pytest.fixture
def peer(archive: Archive) -> Iterator[Peer]:
    with answering(archive) as peer:
        yield peer


# --- What is refused ---------------------------------------------------------------------------------------


LEVEL = tags.QUERY_RETRIEVE_LEVEL
MANY_KEYS: Keys = {f"0011{number:04X}": b"" for number in range(0x1000, 0x1000 + KEYS_MAX)}
MANY_ITEMS: Keys = {"ProcedureCodeSequence": [{"CodeValue": ""}] * KEYS_MAX}

REFUSED: list[tuple[str, str, str | None, Keys, int | None]] = [
    ("there is no level", STUDY_ROOT_FIND, None, {"PatientID": "X"}, LEVEL),
    ("the level is empty", STUDY_ROOT_FIND, "", {}, LEVEL),
    ("the level is no level", STUDY_ROOT_FIND, "WORD", {}, LEVEL),
    ("study root has no patients", STUDY_ROOT_FIND, "PATIENT", {}, LEVEL),
    ("patient/study only has no series", PATIENT_STUDY_ONLY_FIND, "SERIES", {}, LEVEL),
    ("series of nothing", STUDY_ROOT_FIND, "SERIES", {}, tags.STUDY_INSTANCE_UID),
    ("series of anything", STUDY_ROOT_FIND, "SERIES", {"StudyInstanceUID": "*"}, tags.STUDY_INSTANCE_UID),
    ("all CT images", PATIENT_ROOT_FIND, "IMAGE", {"Modality": "CT"}, tags.SERIES_INSTANCE_UID),
    ("too many keys", STUDY_ROOT_FIND, "STUDY", MANY_KEYS, 0x00111000 + KEYS_MAX - 1),
    ("too many keys in items", STUDY_ROOT_FIND, "STUDY", MANY_ITEMS, 0x00081032),
    ("no date", STUDY_ROOT_FIND, "STUDY", {"StudyDate": "yesterday"}, None),
    ("no number", STUDY_ROOT_FIND, "STUDY", {"NumberOfStudyRelatedSeries": "many"}, None),
    ("a NUL character", STUDY_ROOT_FIND, "STUDY", {"StudyDescription": "a\0b"}, None),
]


@pytest.mark.parametrize(
    ("why", "model", "level", "keys", "offending"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_what_does_not_fit_the_sop_class_is_refused_in_plain_words(
    peer: Peer, why: str, model: str, level: str | None, keys: Keys, offending: int | None
) -> None:
    asked = keys if level is None else {"QueryRetrieveLevel": level, **keys}
    with open_association(peer, [(model, (EXPLICIT_LE,))]) as association:
        answers = find_on(association, model, asked)
        assert (answers.status, answers.pending) == (0xA900, []), why
        assert answers.final is not None
        assert answers.final.error_comment
        assert answers.final.offending_elements == (() if offending is None else (offending,))
        assert find_on(association, model, {"QueryRetrieveLevel": "STUDY"}).status == 0x0000


def nested(depth: int) -> bytes:
    return struct.pack("<HH2sHIHHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF) * depth


GOOD = encode_data_set(identifier({"QueryRetrieveLevel": "STUDY", "PatientID": "TEST-1"}), EXPLICIT_LE)
HOSTILE: list[tuple[str, bytes, int]] = [
    ("cut short", GOOD[:-3], 0xC000),
    ("sequences nested 10,000 deep", GOOD + nested(10_000), 0xC000),
    ("random bytes", b"\xff\xfe\x00\x01" * 400, 0xC000),
    ("a length beyond everything", struct.pack("<HH2sHI", 0x0008, 0x1140, b"UN", 0, 0xFFFFFFF0), 0xC000),
    ("nothing but NUL bytes", b"\0" * 1000, 0xA900),
    ("a million NUL bytes behind it", GOOD + b"\0" * 1_000_000, 0x0000),
    ("two million bytes", GOOD + b"\0" * 2_000_000, 0xA700),
    ("a name of sixty thousand letters", encode_data_set(identifier(
        {"QueryRetrieveLevel": "STUDY", "0011,1001": b"A" * 900_000, "PatientName": "A" * 60_000}
    ), EXPLICIT_LE), 0xA900),
    ("a hundred thousand items", encode_data_set(identifier(
        {"QueryRetrieveLevel": "STUDY", "ProcedureCodeSequence": [{}] * 100_000}), EXPLICIT_LE), 0x0000),
]  # fmt: skip


@pytest.mark.parametrize(("why", "data", "status"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_hostile_identifier_is_answered_and_the_association_lives(
    peer: Peer, why: str, data: bytes, status: int
) -> None:
    with open_association(peer, [(STUDY_ROOT_FIND, (EXPLICIT_LE,))]) as association:
        assert find_on(association, STUDY_ROOT_FIND, data).status == status
        assert len(find_on(association, STUDY_ROOT_FIND, GOOD).pending) == 2


_TAGS = st.sampled_from(
    [
        *(tag for name, tag in vars(tags).items() if name.isupper() and tag < tags.PIXEL_DATA),
        *(0x00080002, 0x00090010, 0x00091001, 0x00100000, 0x00081032, 0x00101002, 0x00189087),
    ]
)
_VALUES: dict[str, st.SearchStrategy[str | int | bytes | None]] = {
    "LO": st.one_of(
        st.text(max_size=8), st.sampled_from(["*", "?", "\\\\", "20260101-", '""', "1.2.3", "-"])
    ),
    "US": st.integers(0, 0xFFFF),
    "UN": st.binary(max_size=6),
    "SQ": st.none(),
}
_ELEMENTS = st.sampled_from(sorted(_VALUES)).flatmap(
    lambda vr: st.tuples(_TAGS, st.just(vr), st.one_of(st.none(), _VALUES[vr]))
)


def _of(
    elements: list[tuple[int, str, str | int | bytes | None]], items: list[tuple[int, DataSet]]
) -> DataSet:
    data_set = DataSet()
    for tag, vr, value in elements:
        own = vr_of(tag) if vr == "LO" else vr
        with suppress(ValueError):  # Text for a number, say: then it is something else's turn.
            data_set.set(tag, value, own)
    for tag, item in items:
        data_set.set_items(tag, [item])
    return data_set


_IDENTIFIERS = st.recursive(
    st.builds(_of, st.lists(_ELEMENTS, max_size=12), st.just([])),
    lambda inner: st.builds(
        _of, st.lists(_ELEMENTS, max_size=12), st.lists(st.tuples(_TAGS, inner), max_size=3)
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    _IDENTIFIERS,
    st.sampled_from(["PATIENT", "STUDY", "SERIES", "IMAGE"]),
    st.sampled_from([EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE]),
)
def test_no_identifier_makes_us_fail(peer: Peer, keys: DataSet, level: str, syntax: str) -> None:
    keys.set(tags.QUERY_RETRIEVE_LEVEL, level)
    keys.set(tags.PATIENT_ID, "TEST-1")
    answers = find(peer, PATIENT_ROOT_FIND, keys, transfer_syntax_uid=syntax)
    assert answers.status in (0x0000, 0xA900, 0xC000)  # C001 would be a mistake of ours.


def test_a_node_that_may_not_query_is_told(archive: Archive) -> None:
    add_node(
        archive.database, ME, NewNode("TESTER", "127.0.0.1", 104, capabilities=frozenset({Capability.STORE}))
    )
    with answering(archive) as peer:
        answers = find(peer, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "STUDY"})
    assert (answers.status, answers.pending) == (0x0124, [])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unavailable("The database does not answer."), 0xA700),
        (QueryNotUnderstood("No date."), 0xA900),
        (RuntimeError("a bug of ours"), 0xC001),
    ],
)
def test_failures_have_the_status_of_the_query_service(error: Exception, status: int) -> None:
    assert FindExchange.status_of(object.__new__(FindExchange), error) == status


def test_every_query_leaves_one_audit_record(archive: Archive, peer: Peer) -> None:
    find(peer, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "STUDY", "PatientID": "TEST-1"})
    find(peer, STUDY_ROOT_FIND, {"QueryRetrieveLevel": "WORD"})
    with archive.database.read() as tx:
        rows = tx.execute(audit_records.select().where(audit_records.c.event == AuditEvent.QUERY)).all()
    assert len(rows) == 1


# --- Cancel ------------------------------------------------------------------------------------------------


def test_a_query_can_be_cancelled(archive: Archive, peer: Peer) -> None:
    keep(archive, *(a_ct_slice(number) for number in range(3, 120)))
    asked = encode_data_set(
        identifier({"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": f"{ROOT}.1"}), EXPLICIT_LE
    )
    with open_association(peer, [(STUDY_ROOT_FIND, (EXPLICIT_LE,))]) as association:
        context_id = association.context_for(STUDY_ROOT_FIND).context_id
        message_id = association.next_message_id()
        command = CommandSet.build(
            CommandField.C_FIND_RQ,
            has_data_set=True,
            message_id=message_id,
            priority=0,
            affected_sop_class_uid=STUDY_ROOT_FIND,
        )
        association.send(context_id, command, [asked])
        association.cancel(context_id, message_id)
        statuses = [association.next_response().status]
        while statuses[-1] == 0xFF00:
            statuses.append(association.next_response().status)
        assert statuses[-1] == 0xFE00
        assert len(statuses) < 119
        # A cancel that comes too late is nothing to worry about.
        association.cancel(context_id, message_id)
        assert find_on(association, STUDY_ROOT_FIND, asked).status == 0x0000


def test_a_peer_that_leaves_in_the_middle_of_the_answers_disturbs_nobody(archive: Archive) -> None:
    keep(archive, *(a_ct_slice(number, PatientComments="x" * 30_000) for number in range(3, 60)))
    keys = {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": f"{ROOT}.1", "PatientComments": ""}

    class Leaves(Exception):
        pass

    def leave(answers: Answers) -> None:
        if len(answers.pending) == 2:
            raise Leaves

    with answering(archive) as peer:  # At whose end the server waits for its threads.
        with pytest.raises(Leaves):
            find(peer, STUDY_ROOT_FIND, keys, on_answer=leave)
        assert len(find(peer, STUDY_ROOT_FIND, keys).pending) == 60
