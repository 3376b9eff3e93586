"""The attributes of a worklist item: PS3.4 table K.6-1, and where each of them is kept. One table for all.

From it come what is matched and returned (`worklist_item`), what a new step is checked for (`checks`) and
what the conformance statement says. Attributes of the standard's modules that we only hand on are named in
HANDED_ON, so that a query for them is answered, with a value or without. Start at ATTRIBUTES.
"""

from dataclasses import dataclass
from enum import StrEnum

from filmless.standards.dicom.dictionary import tag_of, vr_of


class Place(StrEnum):
    """Which part of `NewStep` keeps it; `step` is the item of Scheduled Procedure Step Sequence."""

    PATIENT = "patient"
    REQUEST = "request"
    PROCEDURE = "procedure"
    STEP = "step"


class Form(StrEnum):
    """How the field holds it."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    CODES = "codes"
    ISSUER = "issuer"
    """A sequence of one item with Local Namespace Entity ID, kept as that text."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row: `matching` R or O (required or optional matching key), `returned` the return key type."""

    keyword: str
    place: Place
    field: str
    matching: str
    returned: str
    form: Form = Form.TEXT

    @property
    def tag(self) -> int:
        """The attribute's tag."""
        return known_tag(self.keyword)

    @property
    def vr(self) -> str:
        """The attribute's VR."""
        return vr_of(self.tag)


def known_tag(keyword: str) -> int:
    """The tag of a keyword of ours."""
    tag = tag_of(keyword)
    assert tag is not None  # A keyword in a table of ours is one of PS3.6.
    return tag


_STEP, _PROCEDURE, _REQUEST, _PATIENT = Place.STEP, Place.PROCEDURE, Place.REQUEST, Place.PATIENT

ATTRIBUTES: tuple[Attribute, ...] = (
    # Scheduled Procedure Step.
    Attribute("ScheduledStationAETitle", _STEP, "scheduled_station_ae_titles", "R", "1", Form.TEXTS),
    Attribute("ScheduledProcedureStepStartDate", _STEP, "start_date", "R", "1"),
    Attribute("ScheduledProcedureStepStartTime", _STEP, "start_time", "R", "1"),
    Attribute("Modality", _STEP, "modality", "R", "1"),
    Attribute("ScheduledPerformingPhysicianName", _STEP, "scheduled_performing_physician_name", "R", "2"),
    Attribute("ScheduledProcedureStepDescription", _STEP, "description", "O", "1C"),
    Attribute("ScheduledStationName", _STEP, "scheduled_station_name", "O", "2"),
    Attribute("ScheduledProcedureStepLocation", _STEP, "location", "O", "2"),
    Attribute("ScheduledProtocolCodeSequence", _STEP, "scheduled_protocol_codes", "O", "1C", Form.CODES),
    Attribute("PreMedication", _STEP, "pre_medication", "O", "2C"),
    Attribute("ScheduledProcedureStepID", _STEP, "scheduled_procedure_step_id", "O", "1"),
    Attribute("RequestedContrastAgent", _STEP, "requested_contrast_agent", "O", "2C"),
    Attribute("CommentsOnTheScheduledProcedureStep", _STEP, "comments", "O", "3"),
    Attribute("BodyPartExamined", _STEP, "body_part_examined", "O", "3"),
    Attribute("Laterality", _STEP, "laterality", "O", "3"),
    # Requested Procedure.
    Attribute("RequestedProcedureID", _PROCEDURE, "requested_procedure_id", "O", "1"),
    Attribute("RequestedProcedureDescription", _PROCEDURE, "requested_procedure_description", "O", "1C"),
    Attribute(
        "RequestedProcedureCodeSequence", _PROCEDURE, "requested_procedure_codes", "O", "1C", Form.CODES
    ),
    Attribute("StudyInstanceUID", _PROCEDURE, "study_instance_uid", "O", "1"),
    Attribute("RequestedProcedurePriority", _PROCEDURE, "requested_procedure_priority", "O", "2"),
    Attribute("PatientTransportArrangements", _PROCEDURE, "patient_transport_arrangements", "O", "2"),
    Attribute("ReasonForTheRequestedProcedure", _PROCEDURE, "reason_for_the_requested_procedure", "O", "3"),
    Attribute("RequestedProcedureComments", _PROCEDURE, "requested_procedure_comments", "O", "3"),
    # Imaging Service Request.
    Attribute("AccessionNumber", _REQUEST, "accession_number", "O", "2"),
    Attribute(
        "IssuerOfAccessionNumberSequence", _REQUEST, "issuer_of_accession_number", "O", "3", Form.ISSUER
    ),
    Attribute("RequestingPhysician", _REQUEST, "requesting_physician", "O", "2"),
    Attribute("ReferringPhysicianName", _REQUEST, "referring_physician_name", "O", "2"),
    Attribute("PlacerOrderNumberImagingServiceRequest", _REQUEST, "placer_order_number", "O", "3"),
    Attribute("FillerOrderNumberImagingServiceRequest", _REQUEST, "filler_order_number", "O", "3"),
    # Visit.
    Attribute("AdmissionID", _REQUEST, "admission_id", "O", "2"),
    Attribute("IssuerOfAdmissionIDSequence", _REQUEST, "issuer_of_admission_id", "O", "3", Form.ISSUER),
    Attribute("CurrentPatientLocation", _REQUEST, "current_patient_location", "O", "2"),
    # Patient.
    Attribute("PatientName", _PATIENT, "patient_name", "R", "1"),
    Attribute("PatientID", _PATIENT, "patient_id", "R", "1"),
    Attribute("IssuerOfPatientID", _PATIENT, "issuer_of_patient_id", "O", "3"),
    Attribute("PatientBirthDate", _PATIENT, "patient_birth_date", "O", "2"),
    Attribute("PatientSex", _PATIENT, "patient_sex", "O", "2"),
    Attribute("PatientWeight", _PATIENT, "patient_weight", "O", "2"),
    Attribute("PatientSize", _PATIENT, "patient_size", "O", "3"),
    Attribute(
        "ConfidentialityConstraintOnPatientDataDescription",
        _PATIENT,
        "confidentiality_constraint",
        "O",
        "2",
    ),
    Attribute("PatientState", _PATIENT, "patient_state", "O", "2"),
    Attribute("PregnancyStatus", _PATIENT, "pregnancy_status", "O", "2", Form.NUMBER),
    Attribute("MedicalAlerts", _PATIENT, "medical_alerts", "O", "2"),
    Attribute("Allergies", _PATIENT, "allergies", "O", "2"),
    Attribute("SpecialNeeds", _PATIENT, "special_needs", "O", "2"),
)
"""Every attribute with a field of its own."""

HANDED_ON: tuple[str, ...] = (
    # Named in table K.6-1.
    "ScheduledSpecimenSequence",
    "BarcodeValue",
    "StudyDate",
    "StudyTime",
    "ReferencedStudySequence",
    "ReferencedPatientSequence",
    "IssuerOfPatientIDQualifiersSequence",
    "OtherPatientIDsSequence",
    "PatientPrimaryLanguageCodeSequence",
    "PertinentDocumentsSequence",
    # "All other attributes" of the modules it names (PS3.3 C.2.2 to C.2.4, C.3.2 to C.3.5, C.4.11, C.4.12).
    "TypeOfPatientID",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "MedicalRecordLocator",
    "PatientAge",
    "Occupation",
    "PatientBirthTime",
    "PatientInsurancePlanCodeSequence",
    "PatientAddress",
    "RegionOfResidence",
    "CountryOfResidence",
    "PatientTelephoneNumbers",
    "MilitaryRank",
    "BranchOfService",
    "EthnicGroup",
    "PatientReligiousPreference",
    "PatientComments",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientSexNeutered",
    "SmokingStatus",
    "AdditionalPatientHistory",
    "LastMenstrualDate",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionCodeSequence",
    "ServiceEpisodeID",
    "ServiceEpisodeDescription",
    "IssuerOfServiceEpisodeIDSequence",
    "VisitStatusID",
    "PatientInstitutionResidence",
    "VisitComments",
    "ReferringPhysicianAddress",
    "ReferringPhysicianTelephoneNumbers",
    "ReferringPhysicianIdentificationSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "RouteOfAdmissions",
    "AdmittingDate",
    "AdmittingTime",
    "ReasonForRequestedProcedureCodeSequence",
    "RequestedProcedureLocation",
    "ConfidentialityCode",
    "ReportingPriority",
    "NamesOfIntendedRecipientsOfResults",
    "IntendedRecipientsOfResultsIdentificationSequence",
    "ReasonForTheImagingServiceRequest",
    "ImagingServiceRequestComments",
    "RequestingPhysicianIdentificationSequence",
    "RequestingService",
    "IssueDateOfImagingServiceRequest",
    "IssueTimeOfImagingServiceRequest",
    "OrderPlacerIdentifierSequence",
    "OrderFillerIdentifierSequence",
    "OrderEnteredBy",
    "OrderEntererLocation",
    "OrderCallbackPhoneNumber",
)
"""Root attributes without a field: answered from what came with the step, of zero length if nothing did."""

HANDED_ON_IN_STEP: tuple[str, ...] = (
    "ReferencedDefinedProtocolSequence",
    "ReferencedPerformedProtocolSequence",
    # PS3.3 C.4.10.
    "ScheduledProcedureStepEndDate",
    "ScheduledProcedureStepEndTime",
    "ScheduledPerformingPhysicianIdentificationSequence",
    "AnatomicalOrientationType",
)
"""The same of the step's item."""
