"""What a request or report must be before anybody works on it: real UIDs, and not without end."""

from collections.abc import Iterable, Sequence

from filmless.features.archive import InstanceReference
from filmless.features.commitment.errors import CommitmentRequestMalformed
from filmless.infra import limits
from filmless.standards.dicom.uids import is_valid_uid


def check_transaction_uid(transaction_uid: str) -> None:
    """Raises CommitmentRequestMalformed unless it is a UID."""
    if not is_valid_uid(transaction_uid):
        raise CommitmentRequestMalformed("The Transaction UID is absent or no UID.")


def checked_references(references: Iterable[InstanceReference]) -> Sequence[InstanceReference]:
    """The references, each once; raises CommitmentRequestMalformed for none, too many, or what is no UID."""
    unique = list(dict.fromkeys(references))
    if not unique:
        raise CommitmentRequestMalformed("The request names no instance.")
    if len(unique) > limits.COMMITMENT_INSTANCES_MAX:
        raise CommitmentRequestMalformed(
            f"The request names more than {limits.COMMITMENT_INSTANCES_MAX} instances; ask in parts."
        )
    if not all(is_valid_uid(one.sop_class_uid) and is_valid_uid(one.sop_instance_uid) for one in unique):
        raise CommitmentRequestMalformed("The request names an instance by something that is no UID.")
    return unique
