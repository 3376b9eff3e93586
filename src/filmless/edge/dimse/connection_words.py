"""What the connection doctor can find, and what it says then: one table, finding to words.

Each row has the state of the patient, what was seen, and what to change on which side. `{peer}` is the node's
AE title, `{ours}` our own. Not here: how it is found (`connection_doctor`). A test walks planted faults to
these names, and sees that no row is dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """How well a step is."""

    WELL = "well"
    LOOK = "look"  # May be as it should be: not every node does everything.
    ILL = "ill"
    SKIPPED = "skipped"


class Step(StrEnum):
    """The checks, in the order in which they are made."""

    NAME = "name"
    TCP = "tcp"
    TLS = "tls"
    ASSOCIATION = "association"
    ECHO = "echo"
    FIND = "find"
    STORE = "store"
    STORE_BACK = "store_back"
    MOVE_BACK = "move_back"


TITLES: Mapping[Step, str] = MappingProxyType(
    {
        Step.NAME: "Its name is known",
        Step.TCP: "Its port answers",
        Step.TLS: "The connection is encrypted",
        Step.ASSOCIATION: "It accepts an association",
        Step.ECHO: "It answers C-ECHO",
        Step.FIND: "It answers a query",
        Step.STORE: "It takes an image",
        Step.STORE_BACK: "It may send to us",
        Step.MOVE_BACK: "It sends back when asked",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one step found; `advice` says which side must change what, and is empty when nothing must."""

    step: Step
    name: str
    state: State
    seen: str
    advice: str = ""


_W, _L, _I, _S = State.WELL, State.LOOK, State.ILL, State.SKIPPED

WORDS: Mapping[tuple[Step, str], tuple[State, str, str]] = MappingProxyType(
    {
        (Step.NAME, "known"): (_W, "{host} is {address}.", ""),
        (Step.NAME, "inactive"): (
            _I,
            "The node {peer} is switched off here.",
            "Switch it on in the list of nodes.",
        ),
        (Step.NAME, "unknown"): (
            _I,
            "Nobody knows a machine called {host}.",
            "Correct the host of this node here, or enter the name in your DNS. An IP address works too.",
        ),
        (Step.TCP, "connected"): (_W, "{address} port {port} answers; we call it from {our_address}.", ""),
        (Step.TCP, "refused"): (
            _I,
            "{address} is there, but nothing listens on port {port}.",
            "Start the DICOM service of {peer}, or correct the port of this node here.",
        ),
        (Step.TCP, "silent"): (
            _I,
            "{address} port {port} does not answer at all.",
            "See that the machine is on and that no firewall between here and there drops port {port}.",
        ),
        (Step.TCP, "no_way"): (
            _I,
            "There is no way through the network to {address}: {reason}.",
            "Check the address of this node here, the cable, the VLAN and the routes.",
        ),
        (Step.TLS, "encrypted"): (_W, "{version} with {cipher}; its certificate is {fingerprint}.", ""),
        (Step.TLS, "off"): (_S, "This node is called without TLS, as it is registered.", ""),
        (Step.TLS, "peer_is_plain"): (
            _I,
            "{peer} does not speak TLS on port {port}.",
            "Switch TLS off for this node here, enter its TLS port, or switch TLS on there.",
        ),
        (Step.TLS, "expired"): (
            _I,
            "The certificate of {peer} has expired ({fingerprint}).",
            "Renew it there; if it is bound to this node here, bind the new one.",
        ),
        (Step.TLS, "not_yet_valid"): (
            _I,
            "The certificate of {peer} is not valid yet ({fingerprint}).",
            "Set the clock, there or here.",
        ),
        (Step.TLS, "unknown_certificate"): (
            _I,
            "The certificate of {peer} is not one we trust ({fingerprint}).",
            "If that is its fingerprint, bind the certificate to this node here; or have the authority that "
            "issued it trusted with FILMLESS_DICOM_TLS_CA.",
        ),
        (Step.TLS, "wrong_host"): (
            _I,
            "The certificate of {peer} is for another host than {host} ({fingerprint}).",
            "Enter the host name that stands in the certificate, bind the certificate to this node here, "
            "or have a new one issued there.",
        ),
        (Step.TLS, "ours_refused"): (
            _I,
            "{peer} does not accept our certificate: {reason}.",
            "Have our certificate, or the authority that issued it, trusted there.",
        ),
        (Step.TLS, "failed"): (
            _I,
            "No TLS connection came about: {reason}.",
            "Both sides must speak TLS 1.2 or 1.3 with a suite of BCP 195. Update the side that does not.",
        ),
        (Step.TLS, "not_usable"): (_I, "{reason}", "Mend it here."),
        (Step.ASSOCIATION, "accepted"): (_W, "It accepts us as {ours}, for: {services}.", ""),
        (Step.ASSOCIATION, "calling_unknown"): (
            _I,
            "{peer} refuses the calling AE title {ours}.",
            "Register {ours} on {peer}, with address {our_address} and port {our_port}.",
        ),
        (Step.ASSOCIATION, "called_unknown"): (
            _I,
            "What answers there is not called {peer}.",
            "Correct the AE title of this node here (capitals count), or the one configured there.",
        ),
        (Step.ASSOCIATION, "busy"): (
            _I,
            "{peer} has no association left for us now.",
            "Try again later. If it stays so, raise the limit of associations there.",
        ),
        (Step.ASSOCIATION, "rejected"): (
            _I,
            "{peer} refuses the association without saying why.",
            "Look into its log; mostly it does not know {ours} at {our_address}: register it there.",
        ),
        (Step.ASSOCIATION, "no_answer"): (
            _I,
            "Port {port} takes our request for an association and says nothing.",
            "See that port {port} is the DICOM port of {peer}, and not another service or a TLS port.",
        ),
        (Step.ASSOCIATION, "hung_up"): (
            _I,
            "{peer} hangs up on our request for an association.",
            "Many systems do that to a calling AE title or address they do not know: register {ours} at "
            "{our_address} there. Else another service than DICOM listens on port {port}.",
        ),
        (Step.ASSOCIATION, "speaks_tls"): (
            _I,
            "Port {port} of {peer} speaks TLS, and we call it in clear text.",
            "Switch TLS on for this node here, or enter its plain port.",
        ),
        (Step.ECHO, "answered"): (_W, "It answers C-ECHO.", ""),
        (Step.ECHO, "not_accepted"): (
            _L,
            "It does not offer Verification, which every DICOM node must.",
            "Nothing depends on it. If other steps fail too, permit our AE title {ours} there.",
        ),
        (Step.ECHO, "failed"): (_I, "C-ECHO was not answered with Success: {reason}.", "See its log."),
        (Step.FIND, "answered"): (_W, "It answers queries ({model}).", ""),
        (Step.FIND, "not_accepted"): (
            _L,
            "It does not offer queries to us.",
            "Well for a modality. For an archive, permit C-FIND to our AE title {ours} there.",
        ),
        (Step.FIND, "failed"): (
            _I,
            "It offers queries, but a harmless one failed: {reason}.",
            "Permit C-FIND to {ours} there, or see its log.",
        ),
        (Step.STORE, "taken"): (_W, "It took the test image.", ""),
        (Step.STORE, "held_already"): (_W, "It has the test image of an earlier check already.", ""),
        (Step.STORE, "not_asked"): (
            _S,
            "Nothing was sent: a test image may only go there with your consent.",
            "",
        ),
        (Step.STORE, "not_accepted"): (
            _L,
            "It does not take Secondary Capture images from us.",
            "Well for a device that only sends. Else permit C-STORE to our AE title {ours} there.",
        ),
        (Step.STORE, "refused"): (
            _I,
            "It offers to take images, but refused one: {reason}.",
            "Permit C-STORE to {ours} there, or see its log.",
        ),
        (Step.STORE_BACK, "permitted"): (
            _W,
            "Our rules let {peer} in from {address} and take its images on port {our_port}.",
            "",
        ),
        (Step.STORE_BACK, "not_permitted"): (
            _L,
            "Our rules do not let {peer} send images.",
            "Well for a workstation that only asks. Else give this node the capability to store.",
        ),
        (Step.STORE_BACK, "loopback_only"): (
            _I,
            "Our DICOM server can be reached from this machine only.",
            "Set FILMLESS_BIND to an address that {peer} can reach, and start again.",
        ),
        (Step.STORE_BACK, "not_listening"): (
            _L,
            "No DICOM server of ours listens on port {our_port} of this machine.",
            "Start `filmless serve`, unless it runs on another machine.",
        ),
        (Step.STORE_BACK, "no_tls_port"): (
            _I,
            "This node must use TLS, and our server has no TLS port.",
            "Set FILMLESS_DICOM_TLS_PORT, or do not require TLS of this node.",
        ),
        (Step.MOVE_BACK, "arrived"): (
            _W,
            "It knows {ours} and sent the test image back; our server answered Success and dropped it.",
            "",
        ),
        (Step.MOVE_BACK, "needs_the_image"): (
            _S,
            "Not tried: it can only send back what it took.",
            "",
        ),
        (Step.MOVE_BACK, "not_accepted"): (
            _L,
            "It does not offer C-MOVE to us.",
            "Well for a modality. For an archive, permit C-MOVE to our AE title {ours} there{get}.",
        ),
        (Step.MOVE_BACK, "destination_unknown"): (
            _I,
            "{peer} does not know where {ours} is.",
            "Register {ours} on {peer} as a destination, with address {our_address} and port {our_port}.",
        ),
        (Step.MOVE_BACK, "not_delivered"): (
            _I,
            "{peer} knows {ours}, but could not deliver the test image to it.",
            "Check address {our_address} and port {our_port} of {ours} as registered there, the firewall "
            "from there to here, and whether {peer} stands among our callers who were turned away.",
        ),
        (Step.MOVE_BACK, "nothing_found"): (
            _L,
            "It says that it has nothing to send, though it took the image.",
            "Some archives file new images late. Check again in a minute.",
        ),
        (Step.MOVE_BACK, "failed"): (_I, "C-MOVE failed: {reason}.", "See the log of {peer}."),
    }
)
"""Every finding but those of steps that could not be reached."""

NOT_REACHED = "not_reached"


def finding(step: Step, name: str, facts: Mapping[str, str]) -> Finding:
    """The finding of that name in words."""
    if name == NOT_REACHED:
        return Finding(step, name, State.SKIPPED, "Not tried: an earlier step failed.")
    state, seen, advice = WORDS[step, name]
    return Finding(step, name, state, seen.format_map(facts), advice.format_map(facts))
