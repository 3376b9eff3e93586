"""Patients: one person, one or more identifiers; today as far as images tell.

A patient is found by identifier and issuer, never by name alone. Not here: orders, visits, merging (they
come with the department). Start at `service.identify_or_register`. Invariant: two people who share a Patient
ID are never merged by accident; the caller compares `contradicting_attributes` before it links anything.
"""

from filmless.features.patients.model import Demographics, Patient, contradicting_attributes
from filmless.features.patients.service import complete_demographics, identify_or_register

__all__ = [
    "Demographics",
    "Patient",
    "complete_demographics",
    "contradicting_attributes",
    "identify_or_register",
]
