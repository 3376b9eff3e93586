"""What is asked of the index. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from filmless.infra import limits


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for.

    `matching`: DICOM keyword to value, with the matching of PS3.4 C.2.2.2; a backslash between several
    values. `sequences`: the same inside the item of a sequence (C.2.2.2.6), by the sequence's keyword. Keys
    of other levels than the one asked for are matched too, as relational queries do (C.4.1.3.2).
    `search`: words for a person's search field.

    Negotiated for an association (C.5.1.1): `fuzzy`: words of a person name may begin any component, or
    sound like it. `combined_datetime`: a date and its time are one range. `timezone_offset`: where the
    asker's dates and times are meant, "+0100"; "" is where the objects come from.

    For pages: `order_by`, names such as `study_date`, with `-` in front for descending, `limit` and `offset`.
    """

    matching: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    order_by: tuple[str, ...] = ()
    limit: int = limits.QUERY_RESULTS_DEFAULT
    offset: int = 0
    fuzzy: bool = False
    sequences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    combined_datetime: bool = False
    timezone_offset: str = ""
