"""Names stored in one character set, asked for in any other: they come back undamaged."""

from __future__ import annotations

import pytest

from builders import EXPLICIT_LE, a_ct_slice, part10
from filmless.edge.dimse.requestor import open_association
from filmless.features.archive import Archive, receive_part10
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.standards.dicom.character_sets import encode
from filmless.standards.dicom.sop_classes import STUDY_ROOT_FIND
from named_patients import NAMES, TERMS, named_instance
from queried_archive import ME
from querying_peer import answering, find, find_on


@pytest.mark.parametrize(("stored", "name"), NAMES, ids=[f"stored in {term!r}" for term in TERMS])
def test_a_name_comes_back_undamaged_whatever_character_set_is_asked(
    sqlite_database: Database, object_store: FolderObjectStore, stored: str, name: str
) -> None:
    archive = Archive(sqlite_database, object_store)
    receive_part10(archive, ME, "TEST", [named_instance(name, stored)])
    with (
        answering(archive) as peer,
        open_association(peer, [(STUDY_ROOT_FIND, (EXPLICIT_LE,))]) as association,
    ):
        for asked in TERMS:
            keys = {"SpecificCharacterSet": asked, "QueryRetrieveLevel": "STUDY", "PatientName": ""}
            answers = find_on(association, STUDY_ROOT_FIND, keys)
            assert answers.texts("PatientName") == [name], asked
            can_carry = encode(name, asked, person_name=True)[1]
            assert answers.texts("SpecificCharacterSet") == [can_carry], asked


@pytest.mark.parametrize(("term", "name"), NAMES, ids=[f"asked in {term!r}" for term in TERMS])
def test_a_name_is_found_in_the_character_set_that_the_query_is_in(
    sqlite_database: Database, object_store: FolderObjectStore, term: str, name: str
) -> None:
    archive = Archive(sqlite_database, object_store)
    receive_part10(archive, ME, "TEST", [named_instance(name, "ISO_IR 192")])
    receive_part10(archive, ME, "TEST", [part10(a_ct_slice(1, study=2, PatientID="P2"))])
    keys = {"SpecificCharacterSet": term, "QueryRetrieveLevel": "STUDY", "PatientName": name}
    with answering(archive) as peer:
        assert find(peer, STUDY_ROOT_FIND, keys).texts("PatientName") == [name]
