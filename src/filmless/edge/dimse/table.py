"""Every service that we offer as SCP, by SOP class: the one table behind dispatch and negotiation.

Storage SOP classes are all served alike (`store`); the table of their UIDs is the standard's
(`standards/dicom/sop_classes`). Not here: how a service answers. Start at `service_for`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from filmless.edge.dimse import commitment, echo, find, get, move, performed_step, store, worklist
from filmless.edge.dimse.services import Service
from filmless.standards.dicom.sop_classes import is_storage

_SERVICE_ROOT = "1.2.840.10008."  # Under it every UID is DICOM's own, and a class we do not serve is refused.
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."

SERVICES: Mapping[str, Service] = MappingProxyType(
    {
        service.sop_class_uid: service
        for service in (
            *commitment.SERVICES,
            *echo.SERVICES,
            *find.SERVICES,
            *get.SERVICES,
            *move.SERVICES,
            *performed_step.SERVICES,
            *worklist.SERVICES,
        )
    }
)
"""All services but storage, by SOP class UID."""


def service_for(abstract_syntax_uid: str, *, accept_unknown_sop_classes: bool) -> Service | None:
    """The service for an abstract syntax; None when we do not serve it.

    Private and future storage classes are taken where the setting says so.
    """
    service = SERVICES.get(abstract_syntax_uid)
    if service is not None:
        return service
    if is_storage(abstract_syntax_uid):
        return store.STORAGE
    private = not abstract_syntax_uid.startswith(_SERVICE_ROOT)
    unknown = private or abstract_syntax_uid.startswith(_STORAGE_ROOT)
    return store.STORAGE if unknown and accept_unknown_sop_classes else None
