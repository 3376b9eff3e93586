"""The DICOM server of one installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from filmless.compose.system import System
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.conversation import Services
from filmless.edge.dimse.server import DIMSEServer
from filmless.edge.dimse.tls import TLSDoor
from filmless.features.archive import SANDBOX_MODULES
from filmless.infra.sandbox import Sandbox
from filmless.infra.tls_files import TLSFiles


def dimse_services(system: System, sandbox: Sandbox) -> Services:
    """What SCPs and SCUs of this installation work with."""
    settings = system.settings
    return Services(system.archive, settings.ae_title, sandbox, TLSFiles.of(settings))


@contextmanager
def create_dimse_server(system: System) -> Iterator[DIMSEServer]:
    """The DIMSE server of this installation, not yet started; its sandbox ends with the block."""
    settings = system.settings
    admission = Admission(
        system.database,
        settings.ae_title,
        settings.called_ae_title_must_match,
        settings.accept_unknown_nodes,
    )
    with Sandbox(modules_to_preload=SANDBOX_MODULES) as sandbox:
        services = dimse_services(system, sandbox)
        tls = (TLSDoor(TLSFiles.of(settings), system.database), settings.dicom_tls_port)
        yield DIMSEServer(
            services,
            admission,
            settings.bind,
            settings.dicom_port,
            tls=tls if settings.dicom_tls_port else None,
        )
