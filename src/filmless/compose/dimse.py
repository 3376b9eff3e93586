"""The DICOM server of one installation."""

from filmless.compose.system import System
from filmless.edge.dimse.admission import Admission
from filmless.edge.dimse.server import DIMSEServer


def create_dimse_server(system: System) -> DIMSEServer:
    """The DIMSE server of this installation, not yet started."""
    settings = system.settings
    admission = Admission(
        system.database,
        settings.ae_title,
        settings.called_ae_title_must_match,
        settings.accept_unknown_nodes,
    )
    return DIMSEServer(system.archive, admission, settings.bind, settings.dicom_port)
