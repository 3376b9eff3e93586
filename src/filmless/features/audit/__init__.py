"""Audit: who saw or changed what, when, from where. Append-only, in the transaction of the act itself.

An act whose record cannot be written fails with it. Not here: what machines do without touching anybody's
data (that is the log). Start at `service.record`. Invariant: no statement updates or deletes a record.
"""

from filmless.features.audit.model import AuditEvent, AuditFilter, AuditRecord
from filmless.features.audit.service import find_records, record

__all__ = ["AuditEvent", "AuditFilter", "AuditRecord", "find_records", "record"]
