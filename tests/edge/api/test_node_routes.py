"""Nodes and unknown callers over HTTP, as the administrator's screen uses them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api.node_schemas import (
    CertificatesOut,
    DestinationsOut,
    NodeOut,
    NodesOut,
    OurNodeOut,
    UnknownCallersOut,
)
from filmless.features.access import Role
from filmless.features.nodes import Refusal, RefusalReason, describe_certificates, note_refusals
from filmless.infra.tls_files import TLSFiles, spelled
from made_certificates import MadeCertificate
from web_installation import register, sign_in

CERTIFICATE = MadeCertificate.of("CT1")
CT1 = {"ae_title": "CT1", "host": "ct1.example.org", "port": 104}
FULL = CT1 | {
    "description": "CT, room 1",
    "capabilities": ["store", "worklist"],
    "is_active": False,
    "address_must_match": True,
    "addresses": ["192.0.2.0/24"],
    "tls": "required",
    "certificate_pem": CERTIFICATE.pem,
    "associations_max": 3,
    "preferred_transfer_syntaxes": ["1.2.840.10008.1.2.1"],
    "commits_on_same_association": True,
}


def test_a_node_of_three_words_is_registered_with_the_defaults(anna: TestClient) -> None:
    answer = anna.post("/nodes", json=CT1)
    assert answer.status_code == 201
    NodeOut.model_validate_json(answer.content)
    node = answer.json()
    assert node["capabilities"] == [
        "commitment",
        "find",
        "performed_steps",
        "retrieve",
        "store",
        "worklist",
    ]
    assert (node["is_active"], node["tls"], node["certificates"]) == (True, "off", [])
    listed = anna.get("/nodes")
    NodesOut.model_validate_json(listed.content)
    assert listed.json() == {"nodes": [node]}


def test_every_part_is_changed_and_read_again(anna: TestClient) -> None:
    anna.post("/nodes", json=CT1)
    change = {key: value for key, value in FULL.items() if key != "ae_title"}
    node = anna.put("/nodes/CT1", json=change).json()
    assert {key: node[key] for key in FULL} == FULL
    (certificate,) = node["certificates"]
    assert certificate["fingerprint"] == spelled(CERTIFICATE.fingerprint)
    assert certificate["subject"] == "CN=CT1"
    assert anna.get("/nodes").json() == {"nodes": [node]}
    assert anna.get("/nodes", params={"capability": "store"}).json() == {"nodes": []}  # Switched off.
    anna.put("/nodes/CT1", json=change | {"is_active": True})
    assert len(anna.get("/nodes", params={"capability": "store"}).json()["nodes"]) == 1
    assert anna.get("/nodes", params={"capability": "find"}).json() == {"nodes": []}


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"port": 0}, 400),
    ({"host": "no host"}, 400),
    ({"ae_title": "X" * 17}, 400),
    ({"ae_title": ""}, 400),
    ({"addresses": ["everywhere"]}, 400),
    ({"certificate_pem": "none"}, 400),
    ({"certificate_pem": CERTIFICATE.key_pem}, 400),
    ({"preferred_transfer_syntaxes": ["1.2.3"]}, 400),
    ({"associations_max": 99}, 400),
    ({"capabilities": ["everything"]}, 422),
    ({"tls": "maybe"}, 422),
    ({"port": "many"}, 422),
    ({"host": "a\x00b"}, 422),
    ({"colour": "red"}, 422),
]


@pytest.mark.parametrize(("wrong", "status"), REFUSED, ids=lambda it: ascii(it)[:40])
def test_a_wrong_part_is_refused_in_plain_words(anna: TestClient, wrong: dict[str, Any], status: int) -> None:
    answer = anna.post("/nodes", json=CT1 | wrong)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert anna.get("/nodes").json() == {"nodes": []}


def test_a_title_is_registered_once_and_removed_once(anna: TestClient) -> None:
    odd = CT1 | {"ae_title": "CT/1 ?"}
    assert anna.post("/nodes", json=odd).status_code == 201
    assert anna.post("/nodes", json=odd).status_code == 409
    change = {key: value for key, value in CT1.items() if key != "ae_title"}
    assert anna.put("/nodes/CT%2F1%20%3F", json=change | {"port": 105}).json()["port"] == 105
    assert anna.put("/nodes/CT9", json=change).status_code == 404
    assert anna.delete("/nodes/CT%2F1%20%3F").status_code == 204
    assert anna.delete("/nodes/CT%2F1%20%3F").status_code == 404


def test_certificates_are_read_before_a_node_is_bound_to_them(anna: TestClient) -> None:
    answer = anna.post("/certificates/read", json={"certificate_pem": f"From: CT1\n{CERTIFICATE.pem}"})
    assert answer.status_code == 200
    CertificatesOut.model_validate_json(answer.content)
    assert answer.json()["certificate_pem"] == CERTIFICATE.pem
    (certificate,) = answer.json()["certificates"]
    assert certificate["fingerprint"] == spelled(CERTIFICATE.fingerprint)
    assert anna.get("/nodes").json() == {"nodes": []}
    for wrong in ("none", CERTIFICATE.key_pem):
        refused = anna.post("/certificates/read", json={"certificate_pem": wrong})
        assert refused.status_code == 400
        assert refused.json()["detail"]


def test_who_was_turned_away_is_listed_with_what_to_begin_with(system: System, anna: TestClient) -> None:
    note_refusals(
        system.database,
        {
            Refusal("CT1", "192.0.2.1", "FILMLESS", RefusalReason.UNKNOWN_NODE): 3,
            Refusal("", "192.0.2.2", "", RefusalReason.TLS_HANDSHAKE): 1,
        },
    )
    answer = anna.get("/unknown-callers")
    UnknownCallersOut.model_validate_json(answer.content)
    nameless, ct1 = sorted(answer.json()["callers"], key=lambda it: it["calls"])
    assert nameless["proposed_node"] is None
    assert ct1["explanation"].startswith("Nobody has registered")
    assert anna.post("/nodes", json=ct1["proposed_node"]).status_code == 201
    assert [it["address"] for it in anna.get("/unknown-callers").json()["callers"]] == ["192.0.2.2"]
    note_refusals(system.database, {Refusal("CT1", "192.0.2.3", "X", RefusalReason.ADDRESS): 1})
    known = next(it for it in anna.get("/unknown-callers").json()["callers"] if it["calling_ae_title"])
    assert (known["is_registered"], known["proposed_node"]) == (True, None)


def test_a_caller_is_struck_off_by_title_and_address(system: System, anna: TestClient) -> None:
    note_refusals(system.database, {Refusal("", "2001:db8::1", "", RefusalReason.TLS_HANDSHAKE): 1})
    which = {"calling_ae_title": "", "address": "2001:db8::1"}
    assert anna.delete("/unknown-callers", params=which).status_code == 204
    assert anna.delete("/unknown-callers", params=which).status_code == 404
    assert anna.get("/unknown-callers").json() == {"callers": []}


def test_the_other_side_s_administrator_learns_all_that_a_device_asks_for(
    system: System, anna: TestClient
) -> None:
    answer = anna.get("/our-node")
    OurNodeOut.model_validate_json(answer.content)
    ours = answer.json()
    assert (ours["ae_title"], ours["dicom_port"], ours["dicom_tls_port"]) == ("FILMLESS", 11112, 2762)
    assert "PRIVATE" not in ours["certificate_pem"]
    assert ours["certificate"]["fingerprint"] == spelled(
        describe_certificates(ours["certificate_pem"])[0].fingerprint
    )
    assert ours["certificate_pem"] == TLSFiles.of(system.settings).own_certificate()


def test_who_sends_sees_names_and_who_administers_sees_all(
    system: System, anna: TestClient, stranger: TestClient
) -> None:
    anna.post("/nodes", json=CT1 | {"description": "room 1"})
    anna.post("/nodes", json=FULL | {"ae_title": "CT2"})
    register(system, "tim", Role.TECHNOLOGIST)
    sign_in(stranger, "tim")
    answer = stranger.get("/destinations")
    DestinationsOut.model_validate_json(answer.content)
    assert answer.json() == {"destinations": [{"ae_title": "CT1", "description": "room 1"}]}
    for refused in (
        stranger.get("/nodes"),
        stranger.get("/unknown-callers"),
        stranger.post("/nodes", json=CT1),
        stranger.put("/nodes/CT1", json={"host": "x", "port": 1}),
        stranger.delete("/nodes/CT1"),
        stranger.post("/certificates/read", json={"certificate_pem": CERTIFICATE.pem}),
        stranger.delete("/unknown-callers", params={"calling_ae_title": "", "address": ""}),
    ):
        assert refused.status_code == 403
