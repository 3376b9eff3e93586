"""What the conformance statement lists is accepted on the wire, and nothing else of DICOM's own is."""

import re
from pathlib import Path

from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.requestor import Peer, open_association
from filmless.edge.dimse.server import DIMSEServer
from filmless.features.archive import Archive
from filmless.infra.database import Database
from filmless.infra.object_store.folder import FolderObjectStore
from filmless.infra.sandbox import Sandbox
from filmless.standards.dicom.sop_class_table import OTHER, STORAGE
from filmless.standards.dicom.transfer_syntaxes import IMPLICIT_LE
from filmless.standards.dicom.upper_layer import PRESENTATION_CONTEXTS_MAX

PAGE = Path(__file__).resolve().parents[3] / "docs/conformance/dicom.md"


def accepted_by(server: DIMSEServer, abstract_syntax_uids: list[str]) -> set[str]:
    """Those of the SOP classes that the server takes."""
    peer = Peer("127.0.0.1", server.port, "FILMLESS", "ASKER")
    found: set[str] = set()
    for start in range(0, len(abstract_syntax_uids), PRESENTATION_CONTEXTS_MAX):
        some = abstract_syntax_uids[start : start + PRESENTATION_CONTEXTS_MAX]
        with open_association(peer, [(uid, (IMPLICIT_LE,)) for uid in some]) as association:
            found |= {context.abstract_syntax_uid for context in association.contexts.values()}
    return found


def claimed() -> set[str]:
    """UIDs in the first table of the page: what we answer as SCP."""
    services = PAGE.read_text(encoding="utf-8").split("As SCU")[0]
    return set(re.findall(r"`([0-9.]+)` \| [CN]-", services)) | set(STORAGE)


def test_what_the_statement_claims_is_offered_and_no_more(
    sqlite_database: Database, object_store: FolderObjectStore
) -> None:
    archive = Archive(sqlite_database, object_store, accept_unknown_sop_classes=False)
    admission = Admission(sqlite_database, "FILMLESS", False, True)
    services = Services(archive, "FILMLESS", Sandbox(), Path("no-data"))
    server = DIMSEServer(services, admission, "127.0.0.1", 0)
    server.start()
    try:
        assert accepted_by(server, sorted({*OTHER, *STORAGE})) == claimed()
    finally:
        server.stop()
