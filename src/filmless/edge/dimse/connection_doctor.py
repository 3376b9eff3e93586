"""The connection doctor: what is wrong between a node and us, and which side has to change what.

    for finding in check_connection(our_side, node, may_store=True):
        print(finding.state, finding.seen, finding.advice)

The checks go from the wire upwards and each is told as it is done; one that cannot be reached is told too.
Whatever a peer does, the doctor finds something: no error of a peer leaves `check_connection`. With consent
(`may_store`) the peer gets our test image (`check_instance`) and is asked to send it back. Not here: the
words (`connection_words`), who may ask (`features/archive/pulls`). Start at `check_connection`.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from filmless.edge.dimse import check_instance, peer_status
from filmless.edge.dimse.connection_words import NOT_REACHED, Finding, Step, finding
from filmless.edge.dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    PeerBusy,
    PeerUnreachable,
    RequestTimedOut,
)
from filmless.edge.dimse.our_side import OurSide
from filmless.edge.dimse.plain_reasons import plain_reason
from filmless.edge.dimse.querying import SYNTAXES, RemoteQueryFailed, find_remote, move_remote
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.status import SUCCESS
from filmless.features.access import Permission
from filmless.features.nodes import Node, NodeInactive, TLSMode
from filmless.infra import limits
from filmless.infra.errors import FilmlessError
from filmless.infra.tls_files import TLSNotUsable, spelled
from filmless.standards.dicom import sop_classes

_SERVICES = (
    ("verification", (sop_classes.VERIFICATION,)),
    ("storage", (sop_classes.SECONDARY_CAPTURE_IMAGE,)),
    ("queries", (sop_classes.STUDY_ROOT_FIND, sop_classes.PATIENT_ROOT_FIND)),
    ("C-MOVE", (sop_classes.STUDY_ROOT_MOVE, sop_classes.PATIENT_ROOT_MOVE)),
    ("C-GET", (sop_classes.STUDY_ROOT_GET, sop_classes.PATIENT_ROOT_GET)),
    ("storage commitment", (sop_classes.STORAGE_COMMITMENT_PUSH_MODEL,)),
    ("worklist", (sop_classes.MODALITY_WORKLIST_FIND,)),
)
"""What is proposed to every node, by the name that people know."""

_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_DUPLICATE_SOP_INSTANCE = 0x0111

# What OpenSSL finds wrong with a certificate (x509_vfy.h): verify_code -> our finding.
_CERTIFICATE_FAULTS = {9: "not_yet_valid", 10: "expired", 62: "wrong_host", 64: "wrong_host"}
_ALERTS_ABOUT_OURS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
_PLAIN_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


@dataclass(slots=True)
class _Patient:
    """One node under examination, and what is known of it so far."""

    ours: OurSide
    node: Node
    may_store: bool
    facts: dict[str, str]
    peer: Peer | None = None
    addresses: list[str] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    has_image: bool = False

    @property
    def uids(self) -> check_instance.CheckUIDs:
        return check_instance.check_uids(self.ours.ae_title)

    def found(self, step: Step, name: str, **facts: str) -> Finding:
        self.facts |= facts
        return finding(step, name, self.facts)


def check_connection(ours: OurSide, node: Node, *, may_store: bool) -> Iterator[Finding]:
    """All checks of the node, each as it is done, in the order of `Step`.

    `may_store`: somebody who may decide that agrees that our test image goes into their archive.
    """
    patient = _Patient(
        ours,
        node,
        may_store,
        {
            "peer": node.ae_title,
            "host": node.host,
            "port": str(node.port),
            "ours": ours.ae_title,
            "our_port": str(ours.dicom_tls_port if node.tls is TLSMode.REQUIRED else ours.dicom_port),
            "our_address": "the address of this machine",
            "address": node.host,
        },
    )
    reached = True
    for step, check in _CHECKS.items():
        if reached or step is Step.STORE_BACK:  # Our own rules can be looked at in any case.
            result = check(patient)
        else:
            result = patient.found(step, NOT_REACHED)
        yield result
        if step in _NEEDED_BY_ALL and result.state == "ill":
            reached = False


# --- The wire --------------------------------------------------------------------------------------------


def _name(patient: _Patient) -> Finding:
    node = patient.node
    try:
        patient.peer = replace(patient.ours.peer(node), answer_seconds=limits.CHECK_ANSWER_SECONDS_MAX)
    except NodeInactive:
        return patient.found(Step.NAME, "inactive")
    except TLSNotUsable:
        patient.peer = None  # Said at its own step.
    try:
        found = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return patient.found(Step.NAME, "unknown")
    patient.addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    return patient.found(Step.NAME, "known", address=patient.addresses[0])


def _tcp(patient: _Patient) -> Finding:
    try:
        with _connected(patient.node) as sock:
            ours, address = sock.getsockname()[0], sock.getpeername()[0]
            return patient.found(Step.TCP, "connected", our_address=str(ours), address=str(address))
    except ConnectionRefusedError:
        return patient.found(Step.TCP, "refused")
    except TimeoutError:
        return patient.found(Step.TCP, "silent")
    except OSError as error:
        silent = error.errno not in _NO_WAY and error.errno == errno.ETIMEDOUT
        reason = error.strerror or type(error).__name__
        return patient.found(Step.TCP, "silent" if silent else "no_way", reason=reason)


def _tls(patient: _Patient) -> Finding:
    node = patient.node
    if node.tls is TLSMode.OFF:
        return patient.found(Step.TLS, "off")
    try:
        context = patient.ours.peer(node).tls
        assert context is not None  # The node wants TLS.
        with _connected(node) as sock, context.wrap_socket(sock, server_hostname=node.host) as secured:
            shown = secured.getpeercert(binary_form=True) or b""
            facts = {
                "version": secured.version() or "TLS",
                "cipher": (secured.cipher() or ("an unknown suite",))[0],
                "fingerprint": spelled(hashlib.sha256(shown).hexdigest()),
            }
            _hear_objections(secured)
            return patient.found(Step.TLS, "encrypted", **facts)
    except TLSNotUsable as error:
        return patient.found(Step.TLS, "not_usable", reason=error.message)
    except ssl.SSLCertVerificationError as error:
        name = _CERTIFICATE_FAULTS.get(error.verify_code, "unknown_certificate")
        return patient.found(Step.TLS, name, fingerprint=_fingerprint(node))
    except OSError as error:
        return patient.found(Step.TLS, _tls_fault(error), reason=plain_reason(error))


def _hear_objections(secured: ssl.SSLSocket) -> None:
    """In TLS 1.3 the handshake is over for us before the peer has looked at what we showed (RFC 8446 4.4)."""
    secured.settimeout(limits.CHECK_OBJECTION_SECONDS)
    with suppress(TimeoutError):
        secured.recv(1)  # Nothing is due; what comes is an alert, and is raised.


def _tls_fault(error: OSError) -> str:
    reason = getattr(error, "reason", None) or ""
    if reason in _PLAIN_REASONS:
        return "peer_is_plain"
    if "ALERT" in reason and any(word in reason for word in _ALERTS_ABOUT_OURS):
        return "ours_refused"
    return "failed"


def _fingerprint(node: Node) -> str:
    """Of the certificate that the peer shows to whoever asks; unverified, to be compared by a person."""
    with suppress(OSError), _connected(node) as sock, _credulous().wrap_socket(sock) as secured:
        shown = secured.getpeercert(binary_form=True)
        if shown is not None:
            return f"fingerprint {spelled(hashlib.sha256(shown).hexdigest())}"
    return "it showed it only once"


def _credulous() -> ssl.SSLContext:
    """For looking only: nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connected(node: Node) -> socket.socket:
    return socket.create_connection((node.host, node.port), limits.CHECK_CONNECT_SECONDS_MAX)


# --- Associations ----------------------------------------------------------------------------------------


def _association(patient: _Patient) -> Finding:
    assert patient.peer is not None  # The step of TLS has said so, and this one is not reached.
    contexts = [(uid, SYNTAXES) for _, uids in _SERVICES for uid in uids]
    try:
        with open_association(patient.peer, contexts) as association:
            patient.services = {context.abstract_syntax_uid for context in association.contexts.values()}
    except AssociationRejected as error:
        names = {(1, 3): "calling_unknown", (1, 7): "called_unknown"}
        return patient.found(Step.ASSOCIATION, names.get((error.source, error.reason), "rejected"))
    except PeerBusy:
        return patient.found(Step.ASSOCIATION, "busy")
    except RequestTimedOut:
        return patient.found(Step.ASSOCIATION, "speaks_tls" if _speaks_tls(patient) else "no_answer")
    except (AssociationAborted, PeerUnreachable):
        return patient.found(Step.ASSOCIATION, "speaks_tls" if _speaks_tls(patient) else "hung_up")
    names_of = [name for name, uids in _SERVICES if patient.services.intersection(uids)]
    return patient.found(Step.ASSOCIATION, "accepted", services=", ".join(names_of) or "nothing")


def _speaks_tls(patient: _Patient) -> bool:
    if patient.node.tls is not TLSMode.OFF:
        return False
    try:
        with _connected(patient.node) as sock, _credulous().wrap_socket(sock):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # It answers in the language of TLS, if not with yes.
    except OSError:
        return False


def _echo(patient: _Patient) -> Finding:
    if sop_classes.VERIFICATION not in patient.services:
        return patient.found(Step.ECHO, "not_accepted")
    try:
        with open_association(_peer(patient), [(sop_classes.VERIFICATION, SYNTAXES)]) as association:
            status = association.echo()
    except FilmlessError as error:
        return patient.found(Step.ECHO, "failed", reason=_half_sentence(error))
    if status == SUCCESS:
        return patient.found(Step.ECHO, "answered")
    return patient.found(Step.ECHO, "failed", reason=f"status {status:04X}")


def _find(patient: _Patient) -> Finding:
    if not patient.services.intersection((sop_classes.STUDY_ROOT_FIND, sop_classes.PATIENT_ROOT_FIND)):
        return patient.found(Step.FIND, "not_accepted")
    # Nobody's study: what comes back is our own test image, or nothing.
    keys = {"StudyInstanceUID": patient.uids.study_instance_uid}
    try:
        for _ in find_remote(_peer(patient), "STUDY", keys, ("PatientID",), limit=1):
            pass
    except RemoteQueryFailed as error:
        words = peer_status.words_of(peer_status.FIND, error.status, ours=patient.ours.ae_title)
        return patient.found(Step.FIND, "failed", reason=words)
    except FilmlessError as error:
        return patient.found(Step.FIND, "failed", reason=_half_sentence(error))
    has_study_root = sop_classes.STUDY_ROOT_FIND in patient.services
    return patient.found(Step.FIND, "answered", model="Study Root" if has_study_root else "Patient Root")


# --- Images ----------------------------------------------------------------------------------------------


def _store(patient: _Patient) -> Finding:
    if sop_classes.SECONDARY_CAPTURE_IMAGE not in patient.services:
        return patient.found(Step.STORE, "not_accepted")
    if not patient.may_store:
        return patient.found(Step.STORE, "not_asked")
    uid = check_instance.CHECK_SOP_CLASS_UID
    try:
        with open_association(_peer(patient), [(uid, SYNTAXES)]) as association:
            syntax = association.context_for(uid).transfer_syntax_uid
            data = (check_instance.check_data_set(patient.ours.ae_title, syntax),)
            status = association.store(uid, patient.uids.sop_instance_uid, syntax, data)
    except FilmlessError as error:
        return patient.found(Step.STORE, "refused", reason=_half_sentence(error))
    patient.has_image = status in (SUCCESS, _DUPLICATE_SOP_INSTANCE) or status >> 12 == 0xB
    if status == _DUPLICATE_SOP_INSTANCE:
        return patient.found(Step.STORE, "held_already")
    if patient.has_image:
        return patient.found(Step.STORE, "taken")
    words = peer_status.words_of(peer_status.STORE, status, ours=patient.ours.ae_title)
    return patient.found(Step.STORE, "refused", reason=words)


def _store_back(patient: _Patient) -> Finding:
    """What our own rules and our server would say to a C-STORE of the node; asks nobody."""
    ours, node = patient.ours, patient.node
    if Permission.STUDIES_STORE not in node.permissions:
        return patient.found(Step.STORE_BACK, "not_permitted")
    if node.tls is TLSMode.REQUIRED and not ours.dicom_tls_port:
        return patient.found(Step.STORE_BACK, "no_tls_port")
    if _is_loopback(ours.bind) and not all(_is_loopback(address) for address in patient.addresses):
        return patient.found(Step.STORE_BACK, "loopback_only")
    host = "127.0.0.1" if ours.bind in ("0.0.0.0", "") else "::1" if ours.bind == "::" else ours.bind
    try:
        socket.create_connection(
            (host, int(patient.facts["our_port"])), limits.CHECK_CONNECT_SECONDS_MAX
        ).close()
    except OSError:
        return patient.found(Step.STORE_BACK, "not_listening")
    return patient.found(Step.STORE_BACK, "permitted")


def _is_loopback(address: str) -> bool:
    return address in ("localhost", "::1") or address.startswith("127.")


def _move_back(patient: _Patient) -> Finding:
    if not patient.services.intersection((sop_classes.STUDY_ROOT_MOVE, sop_classes.PATIENT_ROOT_MOVE)):
        gets = patient.services.intersection((sop_classes.STUDY_ROOT_GET, sop_classes.PATIENT_ROOT_GET))
        also = ", or leave it: C-GET works as well" if gets else ""
        return patient.found(Step.MOVE_BACK, "not_accepted", get=also)
    if not patient.has_image:
        return patient.found(Step.MOVE_BACK, "needs_the_image")
    keys = {"StudyInstanceUID": patient.uids.study_instance_uid}
    try:
        report = move_remote(
            _peer(patient),
            "STUDY",
            keys,
            patient.ours.ae_title,
            silence_seconds=limits.CHECK_ANSWER_SECONDS_MAX,
        )
    except FilmlessError as error:
        return patient.found(Step.MOVE_BACK, "failed", reason=_half_sentence(error))
    if report.status == peer_status.MOVE_DESTINATION_UNKNOWN:
        return patient.found(Step.MOVE_BACK, "destination_unknown")
    if report.completed or report.warned:
        return patient.found(Step.MOVE_BACK, "arrived")
    if report.failed or report.status >> 12 == 0xB or report.status == 0xA702:
        return patient.found(Step.MOVE_BACK, "not_delivered")
    if report.status == SUCCESS:
        return patient.found(Step.MOVE_BACK, "nothing_found")
    words = peer_status.words_of(
        peer_status.MOVE, report.status, ours=patient.ours.ae_title, destination=patient.ours.ae_title
    )
    return patient.found(Step.MOVE_BACK, "failed", reason=words)


def _peer(patient: _Patient) -> Peer:
    assert patient.peer is not None  # An association has been opened with it.
    return patient.peer


def _half_sentence(error: FilmlessError) -> str:
    if isinstance(error, ContextNotAccepted):
        return "it offered the service a moment ago and does not now"
    return error.message.rstrip(".")


_CHECKS: dict[Step, Callable[[_Patient], Finding]] = {
    Step.NAME: _name,
    Step.TCP: _tcp,
    Step.TLS: _tls,
    Step.ASSOCIATION: _association,
    Step.ECHO: _echo,
    Step.FIND: _find,
    Step.STORE: _store,
    Step.STORE_BACK: _store_back,
    Step.MOVE_BACK: _move_back,
}
_NEEDED_BY_ALL = frozenset({Step.NAME, Step.TCP, Step.TLS, Step.ASSOCIATION})
