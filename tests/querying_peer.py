"""A Filmless that answers queries in this process, and a peer that asks it: `answering`, `ask`.

Not here: servers as processes (`department`), DCMTK and pynetdicom (`tests/peers`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.requestor import Peer, Requestor, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.archive import Archive
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles
from filmless.standards.dicom.data_set import DataSet, decode_data_set, encode_data_set
from filmless.standards.dicom.dictionary import parse_tag
from filmless.standards.dicom.upper_layer import CommandField, CommandSet, ExtendedNegotiation

EXPLICIT_LE = "1.2.840.10008.1.2.1"
PENDING = (0xFF00, 0xFF01)

Keys = Mapping[str, "str | int | bytes | Sequence[Keys] | None"]


@contextmanager
def answering(archive: Archive) -> Iterator[Peer]:
    """A DIMSE server on the archive; the peer to open associations with."""
    admission = Admission(
        archive.database, "FILMLESS", called_ae_title_must_match=False, accept_unknown_nodes=True
    )
    tls = TLSFiles(Path("no-data"))
    services = Services(archive, "FILMLESS", Sandbox(), tls)  # No worker starts before a call.
    server = DIMSEServer(services, admission, "127.0.0.1", 0)
    server.start()
    try:
        yield Peer("127.0.0.1", server.port, "FILMLESS", "TESTER", answer_seconds=20)
    finally:
        server.stop()


@dataclass
class Answers:
    """All responses to one query."""

    pending: list[tuple[int, DataSet]] = field(default_factory=list)
    final: CommandSet | None = None

    @property
    def status(self) -> int:
        """The final status."""
        assert self.final is not None
        return self.final.status

    def texts(self, keyword: str) -> list[str]:
        """The value of one attribute in each answer."""
        tag = parse_tag(keyword)
        assert tag is not None
        return [data_set.text(tag) for _, data_set in self.pending]


def identifier(keys: Keys) -> DataSet:
    """A data set from keywords or tags; lists of mappings are sequences."""
    data_set = DataSet()
    for keyword, value in keys.items():
        tag = parse_tag(keyword)
        assert tag is not None, keyword
        if isinstance(value, list):
            data_set.set_items(tag, [identifier(item) for item in value])
        else:
            assert value is None or isinstance(value, str | int | bytes)
            data_set.set(tag, value)
    return data_set


def find(
    peer: Peer,
    sop_class_uid: str,
    keys: Keys | DataSet | bytes,
    *,
    transfer_syntax_uid: str = EXPLICIT_LE,
    options: bytes | None = None,
    on_answer: Callable[[Answers], None] | None = None,
) -> Answers:
    """One C-FIND on an association of its own; `options` is the application information to negotiate."""
    extended = () if options is None else (ExtendedNegotiation(sop_class_uid, options),)
    contexts = [(sop_class_uid, (transfer_syntax_uid,))]
    with open_association(peer, contexts, extended=extended) as association:
        return find_on(association, sop_class_uid, keys, on_answer=on_answer)


def find_on(
    association: Requestor,
    sop_class_uid: str,
    keys: Keys | DataSet | bytes,
    *,
    on_answer: Callable[[Answers], None] | None = None,
) -> Answers:
    """One C-FIND on an open association; `on_answer` sees the answers as they come."""
    context = association.context_for(sop_class_uid)
    syntax = context.transfer_syntax_uid
    if isinstance(keys, bytes):
        encoded = keys
    else:
        asked = keys if isinstance(keys, DataSet) else identifier(keys)
        encoded = encode_data_set(asked, syntax)
    command = CommandSet.build(
        CommandField.C_FIND_RQ,
        has_data_set=True,
        message_id=association.next_message_id(),
        priority=0,
        affected_sop_class_uid=sop_class_uid,
    )
    answers = Answers()
    for response, data in association.ask(context.context_id, command, [encoded]):
        if response.status in PENDING:
            found = decode_data_set(data, syntax, bytes_max=1 << 20)
            answers.pending.append((response.status, found))
            if on_answer is not None:
                on_answer(answers)
        else:
            answers.final = response
    return answers
