"""Which presentation contexts we propose when a peer shall send to us on our own association (C-GET).

An association carries 128 contexts (PS3.8 9.3.2.2). When it is known which SOP classes will come, each one
gets many: one transfer syntax a context, so that the peer can send what it has as it has it. Else each class
gets one, the peer chooses, and what it holds compressed it may have to expand. Start at `storage_contexts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from filmless.standards.dicom import transfer_syntaxes
from filmless.standards.dicom.sop_classes import STORAGE_SOP_CLASSES
from filmless.standards.dicom.transfer_syntaxes import EXPLICIT_LE, IMPLICIT_LE
from filmless.standards.dicom.upper_layer import PRESENTATION_CONTEXTS_MAX

CONTEXTS_MAX = PRESENTATION_CONTEXTS_MAX - 2  # Two are needed for the request itself.

PLAIN = (EXPLICIT_LE, IMPLICIT_LE)
COMPRESSED = (
    transfer_syntaxes.JPEG_LOSSLESS_SV1,
    transfer_syntaxes.JPEG_BASELINE,
    transfer_syntaxes.JPEG_2000_LOSSLESS,
    transfer_syntaxes.JPEG_2000,
    transfer_syntaxes.JPEG_LS_LOSSLESS,
    transfer_syntaxes.RLE_LOSSLESS,
    transfer_syntaxes.HTJ2K_LOSSLESS_RPCL,
    transfer_syntaxes.HTJ2K_LOSSLESS,
    transfer_syntaxes.JPEG_EXTENDED,
    transfer_syntaxes.JPEG_LOSSLESS,
    transfer_syntaxes.JPEG_LS_NEAR_LOSSLESS,
    transfer_syntaxes.HTJ2K,
    "1.2.840.10008.1.2.4.102",  # MPEG-4 AVC/H.264 High Profile, Level 4.1.
    "1.2.840.10008.1.2.4.100",  # MPEG2 Main Profile, Main Level.
    transfer_syntaxes.DEFLATED_EXPLICIT_LE,
    transfer_syntaxes.EXPLICIT_BE,
)
"""What archives keep, the most frequent first."""

_RARE_WORDS = (
    "(Retired)", "Ophthalm", "Measurements", "Topography", "Calibration", "Autorefraction", "Lens", "Macular",
    "Spectacle", "DICOS", "Eddy", "Inventory", "Palette", "Template", "Hanging", "Protocol", "Surface Scan",
    "Delivery", "Radiation Record", "Electro", "Audio", "Respiratory", "Salvage", "Height Map", "Agfa ",
    "GE ", "Siemens ", "Philips ", "TomTec ", "Fuji ",
)  # fmt: skip


def storage_contexts(sop_class_uids: Iterable[str] = ()) -> list[tuple[str, Sequence[str]]]:
    """Abstract and transfer syntaxes to propose for these storage SOP classes; none: for the usual ones."""
    known = [uid for uid in dict.fromkeys(sop_class_uids) if uid][:CONTEXTS_MAX]
    if not known:
        return [(uid, (*PLAIN, *COMPRESSED)) for uid in _usual_classes()]
    each = CONTEXTS_MAX // len(known)
    groups = _groups(each)
    return [(uid, group) for uid in known for group in groups]


def _groups(number: int) -> list[tuple[str, ...]]:
    """The transfer syntaxes of one class in at most so many contexts; what does not fit shares the last."""
    groups = [PLAIN, *((uid,) for uid in COMPRESSED)]
    if len(groups) <= number:
        return groups
    kept, others = groups[: number - 1], groups[number - 1 :]
    return [*kept, tuple(uid for group in others for uid in group)]


def _usual_classes() -> list[str]:
    """As many storage classes as fit, those that departments of radiology never see left out first."""
    by_rarity = sorted(
        STORAGE_SOP_CLASSES,
        key=lambda uid: any(word in STORAGE_SOP_CLASSES[uid] for word in _RARE_WORDS),
    )
    return by_rarity[:CONTEXTS_MAX]
