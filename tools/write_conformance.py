"""Writes docs/conformance/dicom.md, the DICOM conformance statement, from the tables that the code uses.

For developers: run it after a change of services, keys, attributes, statuses or limits; a test compares the
page with what would be written. Start at `statement`.
"""
# ruff: noqa: E501 Paragraphs of a page.

from collections.abc import Iterable, Sequence
from pathlib import Path

from filmless.edge.dimse import find, move, retrieval, status
from filmless.edge.dimse.services import PLAIN_OFFER, Service
from filmless.edge.dimse.table import SERVICES
from filmless.features.archive.keys import KEYS, SEQUENCES
from filmless.features.archive.matching import Level
from filmless.features.exams.attribute_rules import RULES, Rule
from filmless.features.scheduling.attributes import ATTRIBUTES, HANDED_ON, Place
from filmless.infra import limits
from filmless.infra.tls_files import TLS_SUITES
from filmless.standards.dicom import sop_classes
from filmless.standards.dicom.dictionary import tag_of, vr_of
from filmless.standards.dicom.transfer_syntaxes import TRANSFER_SYNTAXES
from filmless.standards.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from filmless.standards.dicom.upper_layer import OFFERED_PDU_BYTES_MAX, CommandField

PAGE = Path(__file__).resolve().parent.parent / "docs/conformance/dicom.md"

# What we ask of others: SOP classes and what for.
ASKED: Sequence[tuple[str, str]] = (
    (sop_classes.VERIFICATION, "connection check, `filmless echo`"),
    (sop_classes.STUDY_ROOT_FIND, "search in another archive, prefetch of priors"),
    (sop_classes.PATIENT_ROOT_FIND, "where the peer offers no Study Root"),
    (sop_classes.STUDY_ROOT_MOVE, "pull from another archive"),
    (sop_classes.PATIENT_ROOT_MOVE, "where the peer offers no Study Root"),
    (sop_classes.STUDY_ROOT_GET, "pull from an archive that does not know us as a destination"),
    (sop_classes.PATIENT_ROOT_GET, "where the peer offers no Study Root"),
    (sop_classes.STORAGE_COMMITMENT_PUSH_MODEL, "after sending, where wanted; results are reported as SCP"),
    (sop_classes.INSTANCE_AVAILABILITY_NOTIFICATION, "to those who subscribed"),
)
_MATCHING = {
    "uid_list": "UID, list of UIDs",
    "identifier": "single value, wildcard",
    "description": "single value, wildcard; case and accents ignored",
    "date": "single value, range",
    "time": "single value, range",
    "one_of_many": "any of the values held; several may be asked for",
    "code": "single value, several values, wildcard",
    "integer": "single value",
    "person_name": "name matching: wildcard, case, accents and scripts; fuzzy where negotiated",
}
_COMMANDS = {
    CommandField.C_STORE_RQ: "C-STORE",
    CommandField.C_FIND_RQ: "C-FIND",
    CommandField.C_MOVE_RQ: "C-MOVE",
    CommandField.C_GET_RQ: "C-GET",
    CommandField.C_ECHO_RQ: "C-ECHO",
    CommandField.N_CREATE_RQ: "N-CREATE",
    CommandField.N_SET_RQ: "N-SET",
    CommandField.N_GET_RQ: "N-GET",
    CommandField.N_ACTION_RQ: "N-ACTION",
    CommandField.N_EVENT_REPORT_RQ: "N-EVENT-REPORT",
}


def statement() -> str:
    """The whole page."""
    parts = (_overview(), _networking(), _security(), _storage(), _query(), _retrieval(), _commitment())
    return "\n".join((*parts, _worklist(), _performed_steps(), _requestor(), _statuses(), _texts(), ""))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _attribute(keyword: str) -> str:
    tag = tag_of(keyword)
    assert tag is not None  # A keyword of a table of ours.
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}) | {vr_of(tag)}"


def _overview() -> str:
    rows = [
        (service.name, f"`{uid}`", ", ".join(_COMMANDS[one] for one in service.operations))
        for uid, service in sorted(SERVICES.items(), key=lambda row: row[1].name)
    ]
    asked = [(sop_classes.sop_class_name(uid), f"`{uid}`", why) for uid, why in ASKED]
    return f"""# DICOM conformance statement

Written by `tools/write_conformance.py` from the tables that the program itself uses; not edited by hand.
It follows PS3.2. What each service does is told below; what Filmless does not do, it does not list.

## 1. Overview

As SCP (a peer asks, Filmless answers):

{_table(("SOP class", "UID", "operations"), rows)}
and all {len(sop_classes.STORAGE_SOP_CLASSES)} storage SOP classes of section 4, C-STORE.

As SCU (Filmless asks):

{_table(("SOP class", "UID", "what for"), asked)}
and C-STORE of every storage SOP class that it holds instances of.

Media storage, print and Unified Procedure Step: none."""


def _networking() -> str:
    return f"""
## 2. Associations

{
        _table(
            ("", "value"),
            [
                ("application context", "`1.2.840.10008.3.1.1.1`"),
                ("implementation class UID", f"`{IMPLEMENTATION_CLASS_UID}`"),
                ("implementation version name", f"`{IMPLEMENTATION_VERSION_NAME}`"),
                ("AE title", "`FILMLESS`, or the setting FILMLESS_AE_TITLE"),
                ("maximum PDU offered", f"{OFFERED_PDU_BYTES_MAX} bytes"),
                ("associations at once", f"{limits.ASSOCIATIONS_MAX}"),
                ("of one calling AE title", f"{limits.ASSOCIATIONS_PER_NODE_MAX}"),
                ("silence before the A-ASSOCIATE-RQ", f"{limits.ASSOCIATION_REQUEST_SECONDS_MAX} s"),
                ("silence afterwards", f"{limits.ASSOCIATION_IDLE_SECONDS_MAX} s"),
                ("asynchronous operations", "1 as SCP; as SCU of C-STORE what the peer grants"),
                ("SCP/SCU role selection", "storage classes (for C-GET), storage commitment"),
                ("user identity", "accepted, not looked at"),
            ],
        )
    }
A caller is let in when its AE title belongs to a registered node that is switched on, calls from where the
node lives and over TLS with the certificate bound to it, as far as the node is set up so. Else the
association is rejected (result 1, source 1, reason 3; reason 7 for a wrong called AE title where the
setting asks for the right one). Too many associations are rejected for the moment (result 2, source 3, reason 1 or 2).
An operation that the node is not permitted is answered 0124 (not authorized).

Services that move no images are accepted in {_syntax_names(PLAIN_OFFER.transfer_syntax_uids)}, in this order
of preference."""


def _syntax_names(uids: Iterable[str]) -> str:
    return ", ".join(f"{TRANSFER_SYNTAXES[uid].name}" for uid in uids)


def _security() -> str:
    rows = [(name, f"TLS 1.3; TLS 1.2 with `{suites}`") for name, suites in TLS_SUITES.items()]
    return f"""
## 3. Security

On the TLS port (2762, FILMLESS_DICOM_TLS_PORT), by the setting FILMLESS_DICOM_TLS_PROFILE:

{_table(("profile (PS3.15 B.12, B.13)", "protocols and suites (OpenSSL)"), rows)}
De-identification when sending: Basic Application Level Confidentiality Profile (PS3.15 Annex E) with the
options to retain or shift dates, to retain patient characteristics, to retain UIDs. Pixels are not cleaned:
what may show a name is not sent.
Audit: every association refused, query, transfer and change leaves a record (PS3.15 A.5)."""


def _storage() -> str:
    syntaxes = [
        (row.name + (" (retired)" if row.retired else ""), f"`{row.uid}`")
        for row in TRANSFER_SYNTAXES.values()
    ]
    classes = [(name, f"`{uid}`") for uid, name in sop_classes.STORAGE_SOP_CLASSES.items()]
    return f"""
## 4. Storage

Level 2 (full): every attribute is kept, the data set byte for byte as it came. Success (0000) is answered
when the instance is on disk and in the index, never before. The same instance again is Success and stored
once; the same SOP Instance UID with other content, a study of another patient and what cannot be read are
kept in a quarantine and answered with a failure that says so (section 11). The first transfer syntax that the
peer proposes is accepted, also private ones; private and future storage classes too unless
FILMLESS_ACCEPT_UNKNOWN_SOP_CLASSES is false.

{_table(("transfer syntax", "UID"), syntaxes)}
{_table(("storage SOP class", "UID"), classes)}"""


def _query() -> str:
    models = [
        (SERVICES[uid].name, ", ".join(level.value.upper().replace("INSTANCE", "IMAGE") for level in levels))
        for uid, levels in find.LEVELS_OF.items()
    ]
    rows = [
        (keyword, _attribute(keyword), key.level.value, _kind_of(key.matcher))
        for level in Level
        for keyword, key in KEYS.items()
        if key.level is level
    ]
    rows += [
        (f"{sequence} › {keyword}", _attribute(keyword), key.level.value, _kind_of(key.matcher))
        for sequence, keys in SEQUENCES.items()
        for keyword, key in keys.items()
    ]
    return f"""
## 5. Query

{_table(("model", "levels"), models)}
Extended negotiation (PS3.4 C.5.1): relational queries, combined date-time matching, fuzzy semantic matching
of person names, timezone query adjustment. Keys of every level are matched at every level:

{_table(("key", "tag", "VR", "level", "matching"), rows)}
Any other attribute may be asked for as a return key: it is answered from a stored instance of the entity,
with zero length when that has none, and then pending responses have status FF01. Returned besides: Query/Retrieve
Level, Retrieve AE Title, Instance Availability, Specific Character Set. Answers are in no limited number;
C-CANCEL is heeded between any two. One request at a time on an association."""


def _kind_of(matcher: object) -> str:
    name = getattr(matcher, "__qualname__", "").split(".")[0]
    return _MATCHING[name]


def _retrieval() -> str:
    names = [(service.name, f"`{uid}`") for uid, service in SERVICES.items() if _retrieves(service)]
    return f"""
## 6. Retrieval

{_table(("SOP class", "UID"), names)}
Levels PATIENT, STUDY, SERIES, IMAGE; lists of UIDs; relational retrieval where negotiated. C-MOVE goes to
registered nodes only: another destination is answered A801. Sub-operations run on several associations to the
destination; the pending responses count them; the final one lists what failed. Instances go as stored where
the receiver takes that transfer syntax, else re-encoded, decompressed or compressed without loss; video goes
as it is or not at all."""


def _retrieves(service: Service) -> bool:
    return bool({CommandField.C_MOVE_RQ, CommandField.C_GET_RQ} & set(service.operations))


def _commitment() -> str:
    return """
## 7. Storage commitment, instance availability

N-ACTION (request storage commitment) is answered Success when the request is on disk. Each instance is read
again and its digest compared before it counts as committed. The result comes by N-EVENT-REPORT on a new
association to the node, tried again until it is taken, or on the same one where the node is set up so or is
not registered. As SCU the same holds the other way round: results are taken on either association.
Availability notices (N-CREATE, PS3.4 Annex R) go to nodes that subscribed, when a study has been quiet."""


def _worklist() -> str:
    places = {place: place.value for place in Place}
    rows = [
        (row.keyword, _attribute(row.keyword), places[row.place], row.matching, row.returned)
        for row in ATTRIBUTES
    ]
    return f"""
## 8. Modality worklist

C-FIND by PS3.4 Annex K; fuzzy matching of names where negotiated. R: a
required matching key, O: an optional one that is matched too; then the type of the return key. Study Instance
UID and Specific Character Set are in every answer.

{_table(("attribute", "tag", "VR", "of", "matching", "returned"), rows)}
Handed on unmatched where the department recorded them: {", ".join(HANDED_ON)}."""


def _performed_steps() -> str:
    return f"""
## 9. Modality performed procedure step

N-CREATE and N-SET by PS3.4 F.7.2, N-GET by F.8. `-`: not allowed. A step that is COMPLETED or DISCONTINUED
refuses every change (0110, Error ID A710).

{_table(("attribute", "N-CREATE", "N-SET", "at the end"), _rule_rows(RULES, ""))}"""


def _rule_rows(rules: Iterable[Rule], before: str) -> Iterable[tuple[str, str, str, str]]:
    for rule in rules:
        yield f"{before}{rule.keyword}", rule.create, rule.change, rule.final or rule.create
        yield from _rule_rows(rule.items, f"{before}› ")


def _requestor() -> str:
    return """
## 10. As SCU

Associations are opened to registered nodes only, with the AE title of section 2, over TLS where the node
wants it. Images are proposed in the stored transfer syntax first, then in those of section 2, then in lossless
compressed ones, each in a presentation context of its own. A node that cannot be reached, is congested or out
of resources is tried again with growing pauses; an instance it has taken is not sent again."""


def _statuses() -> str:
    rows = [(f"{code:04X}", _plain_name(kind)) for kind, code in status.STATUS_OF.items()]
    normalized = [(f"{code:04X}", _plain_name(kind)) for kind, code in status.NORMALIZED_STATUS_OF.items()]
    return f"""
## 11. Statuses

Failures of C-services; Error Comment says in words what happened, without data of the patient.

{_table(("status", "when"), rows)}
Of N-services:

{_table(("status", "when"), normalized)}
Further: FF00, FF01 pending; FE00 cancelled; B000 some sub-operations failed;
{retrieval.CANNOT_PERFORM:04X} none of them succeeded; {move.DESTINATION_UNKNOWN:04X} the move destination is not registered; 0110 a mistake of ours, with
its trace in the log; 0211 an operation that the SOP class does not have."""


def _plain_name(kind: type[BaseException]) -> str:
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0].rstrip(".")


def _texts() -> str:
    return """
## 12. Character sets

All defined terms of PS3.3 C.12.1.1.2: ISO_IR 6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 203,
their ISO 2022 forms with code extensions, ISO 2022 IR 87, 149, 58, 159, and ISO_IR 192, GB18030, GBK. Answers
are in the character set of the question when it can carry all of the text, else in ISO_IR 192."""


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(statement(), encoding="utf-8")
