"""Priors fetched from another archive when an exam is scheduled: two installations in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builders import a_ct_slice, part10
from commitment_sites import Site, open_site
from filmless.compose.worker import REACTIONS
from filmless.features import routing, scheduling
from filmless.features.access import system_actor
from filmless.features.archive import Query, find_studies, prepare_series_soon, receive_part10
from filmless.features.audit import AuditEvent, AuditFilter, find_records
from filmless.features.nodes import NewNode, remove_node, update_node
from filmless.features.routing import Delivery, NewPrefetchRule, NewRule, TransmissionFilter, Wanted
from filmless.infra.jobs import find_jobs
from filmless.infra.worker import Worker

__all__ = ["open_site"]  # A fixture.

ME = system_actor("test")
ROOT = "1.2.826.0.1.3680043.10.1000"
OpenSite = Callable[[str], Site]

STUDIES: dict[int, dict[str, Any]] = {
    1: {"StudyDescription": "CT Thorax", "StudyDate": "20250601"},
    2: {"StudyDescription": "CT Schädel", "StudyDate": "20251201"},
    3: {"StudyDescription": "Thorax pa", "Modality": "DX", "StudyDate": "20240101"},
    4: {"StudyDescription": "", "BodyPartExamined": "CHEST", "StudyDate": "20230101"},
    5: {"StudyDescription": "CT Thorax", "StudyDate": "20250101", "PatientID": "TEST-2"},
    6: {"StudyDescription": "CT Thorax", "StudyDate": "20100101"},
}
CHEST_OF_TEST_1 = {1, 3, 4}


class Department:
    """We, and the archive that has the old studies."""

    def __init__(self, open_site: OpenSite) -> None:
        self.us, self.archive = open_site("FILMLESS"), open_site("OLDPACS")
        reactions = {
            kind: [one for one in those if one is not prepare_series_soon]
            for kind, those in REACTIONS.items()
        }
        self.us.worker = Worker(self.us.database, self.us.functions, reactions)
        self.us.knows("OLDPACS", self.archive.server.port)
        self.archive.knows("FILMLESS", self.us.server.port)
        for number, attributes in STUDIES.items():
            for slice_number in (1, 2):
                self.stores(self.archive, slice_number, number, **attributes)
        wanted = Wanted(("OLDPACS",), modalities=("CT",), priors_max=5)
        self.rule = routing.add_prefetch_rule(self.us.database, ME, NewPrefetchRule("priors", wanted))

    @staticmethod
    def stores(site: Site, slice_number: int, study: int, **attributes: Any) -> None:
        file = part10(a_ct_slice(slice_number, study=study, **attributes))
        receive_part10(site.archive, ME, "CT9", [file])

    def schedules(self, modality: str = "CT") -> None:
        """A CT of the chest of patient TEST-1 is put into the worklist."""
        scheduling.schedule_step(
            self.us.database,
            ME,
            scheduling.NewStep(
                scheduling.PatientDetails("Synthetic^Müller", "TEST-1", issuer_of_patient_id="TESTS"),
                scheduling.ImagingRequest(),
                scheduling.RequestedProcedure(requested_procedure_description="CT Thorax nativ"),
                scheduling.StepDetails(modality, ("CT1",), "20260201", "1000", body_part_examined="CHEST"),
            ),
        )

    def works(self) -> None:
        self.us.work()
        self.us.work(31)
        self.us.work(61)

    def held(self) -> set[int]:
        """The studies that are here, by number."""
        rows = find_studies(self.us.archive, ME, Query(limit=100)).rows
        return {int(row.study_instance_uid.rsplit(".", 1)[1]) for row in rows if row.number_of_instances == 2}


@pytest.fixture
def department(open_site: OpenSite) -> Department:
    return Department(open_site)


def test_the_priors_that_matter_are_here_before_the_exam(department: Department) -> None:
    department.schedules()
    department.works()
    assert department.held() == CHEST_OF_TEST_1
    wanted = AuditFilter(event=AuditEvent.IMPORT)
    records, _ = find_records(department.us.database, ME, wanted, 100, 0)
    assert {record.details["prefetch_from"] for record in records if record.actor == "prefetch"} == {
        "OLDPACS"
    }


def test_what_is_here_is_not_fetched_again(department: Department) -> None:
    department.schedules()
    department.works()
    before = find_records(department.us.database, ME, AuditFilter(event=AuditEvent.IMPORT), 100, 0)[1]
    department.schedules()
    department.works()
    assert find_records(department.us.database, ME, AuditFilter(event=AuditEvent.IMPORT), 100, 0)[1] == before


def test_an_exam_that_no_rule_is_about_fetches_nothing(department: Department) -> None:
    department.schedules("MR")
    department.works()
    assert department.held() == set()


def test_what_was_fetched_is_not_routed_on(department: Department) -> None:
    department.us.knows("VIEWER", 104)
    rule = NewRule("all", Delivery(("VIEWER",), quiet_seconds=0))
    routing.add_rule(department.us.database, ME, rule)
    department.schedules()
    department.works()
    assert department.held() == CHEST_OF_TEST_1
    assert routing.find_transmissions(department.us.database, ME, TransmissionFilter(), 10, 0) == ([], 0)


def test_an_archive_that_does_not_know_us_is_asked_to_send_on_our_own_association(
    department: Department,
) -> None:
    remove_node(department.archive.database, ME, "FILMLESS")
    department.schedules()
    department.works()
    assert department.held() == CHEST_OF_TEST_1


def test_an_archive_that_is_down_is_asked_again(department: Department) -> None:
    port = department.archive.server.port
    update_node(department.us.database, ME, NewNode("OLDPACS", "127.0.0.1", 1))
    department.schedules()
    department.works()
    assert department.held() == set()
    (job,) = [one for one in find_jobs(department.us.database) if one.kind == routing.PREFETCH_PRIORS]
    assert "cannot be reached" in (job.last_error or "")
    update_node(department.us.database, ME, NewNode("OLDPACS", "127.0.0.1", port))
    department.us.work(3600)
    assert department.held() == CHEST_OF_TEST_1


def test_a_rule_that_wants_few_gets_the_best(department: Department) -> None:
    wanted = replace(department.rule.wanted, priors_max=1)
    few = NewPrefetchRule("few", wanted, position=1)
    routing.add_prefetch_rule(department.us.database, ME, few)
    department.schedules()
    department.works()
    assert department.held() == {1}
