"""Fetching priors: the body of the job `prefetch-priors`, one at a time in each worker.

Asks the archives of the rule for the patient's studies, lets `features/routing` choose, and has each chosen
study sent here: by C-MOVE, or by C-GET where the archive does not know us. What is here already is not
fetched, so running twice does nothing twice. Start at `Prefetcher.prefetch`. Not here: what is relevant.
"""

import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.errors import ContextNotAccepted
from filmless.edge.dimse.peer_status import MOVE_DESTINATION_UNKNOWN
from filmless.edge.dimse.peers import peer_of
from filmless.edge.dimse.querying import RetrieveReport, find_remote, get_remote, move_remote
from filmless.edge.dimse.receiving_contexts import storage_contexts
from filmless.edge.dimse.requestor import Peer
from filmless.features import archive, routing
from filmless.features.access import system_actor
from filmless.features.nodes import get_node
from filmless.features.routing import Candidate, PrefetchRule, Prior, UpcomingStep
from filmless.infra.errors import FilmlessError, Unavailable
from filmless.infra.log import get_logger
from filmless.standards.dicom import tags
from filmless.standards.dicom.data_set import DataSet

CANDIDATES_MAX = 200  # Studies of one patient in one archive; the newest of more would do as well.
SERIES_ASKED_MAX = 20  # Studies whose description names no region: their series may say it.
SERIES_MAX = 50  # Of one study; the body part is in the first ones.
BUSY_SECONDS = 20.0  # Until the next try while another prefetch is under way.

ACTOR = system_actor("prefetch")

_log = get_logger()


class Prefetcher:
    """Fetches for one worker process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._place = threading.Lock()

    def prefetch(self, payload: Mapping[str, Any]) -> None:
        """Fetch the priors of one step. Raises Unavailable when an archive failed: trying later may work."""
        database = self._services.archive.database
        if not self._place.acquire(blocking=False):
            routing.postpone_prefetch(database, payload, BUSY_SECONDS)
            return
        try:
            step = UpcomingStep(**payload)
            rule = routing.get_prefetch_rule_for(database, ACTOR, step)
            if rule is not None:
                self._fetch_all(rule, step)
        finally:
            self._place.release()

    def _fetch_all(self, rule: PrefetchRule, step: UpcomingStep) -> None:
        failures: list[str] = []
        candidates = list(self._held(step))
        peers: dict[str, Peer] = {}
        holder_of: dict[str, str] = {}
        for ae_title in rule.wanted.archives:
            try:
                peers[ae_title] = self._peer(ae_title)
                found = list(islice(self._asked(peers[ae_title], step), CANDIDATES_MAX))
            except FilmlessError as error:
                failures.append(error.message)
                continue
            for candidate in found:
                holder_of.setdefault(candidate.study_instance_uid, ae_title)
            candidates += found
        chosen = routing.choose_priors(self._services.archive.database, ACTOR, rule, step, candidates)
        for prior in chosen:
            ae_title = holder_of[prior.study_instance_uid]
            failures += self._fetch(rule, prior, peers[ae_title])
        _log.info("priors_fetched", rule=rule.id, studies=len(chosen), failures=len(failures))
        if failures:
            raise Unavailable(failures[0])

    def _peer(self, ae_title: str) -> Peer:
        node = get_node(self._services.archive.database, ae_title)
        return peer_of(node, self._services.ae_title, self._services.tls)

    def _fetch(self, rule: PrefetchRule, prior: Prior, peer: Peer) -> list[str]:
        """Have one study sent here; returns what went wrong, if anything."""
        database, uid = self._services.archive.database, prior.study_instance_uid
        routing.begin_prefetch(database, ACTOR, rule, uid, peer.called_ae_title)
        try:
            report = self._retrieve(peer, uid)
        except FilmlessError as error:
            return [error.message]
        finally:
            routing.end_prefetch(database, ACTOR, uid)
        return [] if report.is_complete else [report.comment or f"{peer} did not send all of a study."]

    def _retrieve(self, peer: Peer, study_instance_uid: str) -> RetrieveReport:
        """By C-MOVE; by C-GET where the archive does not offer that, or does not know where we are."""
        keys = {"StudyInstanceUID": study_instance_uid}
        try:
            report = move_remote(peer, "STUDY", keys, self._services.ae_title)
            if report.status != MOVE_DESTINATION_UNKNOWN:
                return report
        except ContextNotAccepted:
            pass
        return get_remote(
            self._services.archive, ACTOR, peer, "STUDY", keys, storage_contexts=storage_contexts()
        )

    # --- What there is -----------------------------------------------------------------------------------

    def _held(self, step: UpcomingStep) -> Iterator[Candidate]:
        """What we have of the patient ourselves: it counts among the priors, and is not fetched."""
        keys = {"PatientID": step.patient_id}
        if step.issuer_of_patient_id:
            keys["IssuerOfPatientID"] = step.issuer_of_patient_id
        page = archive.find_studies(
            self._services.archive, ACTOR, archive.Query(matching=keys, limit=CANDIDATES_MAX)
        )
        for row in page.rows:
            yield Candidate(
                row.study_instance_uid, row.study_date, row.modalities_in_study, row.study_description
            )

    def _asked(self, peer: Peer, step: UpcomingStep) -> Iterator[Candidate]:
        """What an archive has of the patient, who is never found by name."""
        matches = list(find_remote(peer, "STUDY", {"PatientID": step.patient_id}, limit=CANDIDATES_MAX))
        asked = 0
        for match in _of_one_person(matches, step.issuer_of_patient_id):
            candidate = _candidate(match)
            if not candidate.names_region and asked < SERIES_ASKED_MAX:
                asked += 1
                candidate = candidate.with_body_parts(_body_parts(peer, candidate.study_instance_uid))
            yield candidate


def _of_one_person(matches: list[DataSet], issuer_of_patient_id: str) -> list[DataSet]:
    """Those of the person meant: a Patient ID is only unique inside its issuer.

    Archives that tell no issuer are taken at their word; several issuers and none of ours fit nobody.
    """
    issuers = {issuer for match in matches if (issuer := match.text(tags.ISSUER_OF_PATIENT_ID))}
    if not issuer_of_patient_id and len(issuers) > 1:
        return []
    fitting = {"", issuer_of_patient_id} if issuer_of_patient_id else {"", *issuers}
    return [match for match in matches if match.text(tags.ISSUER_OF_PATIENT_ID) in fitting]


def _candidate(match: DataSet) -> Candidate:
    return Candidate(
        match.text(tags.STUDY_INSTANCE_UID),
        match.text(tags.STUDY_DATE),
        tuple(match.texts(tags.MODALITIES_IN_STUDY)),
        match.text(tags.STUDY_DESCRIPTION),
    )


def _body_parts(peer: Peer, study_instance_uid: str) -> tuple[str, ...]:
    series = find_remote(peer, "SERIES", {"StudyInstanceUID": study_instance_uid}, limit=SERIES_MAX)
    return tuple({text for one in series if (text := one.text(tags.BODY_PART_EXAMINED))})
