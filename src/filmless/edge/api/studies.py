"""The study list and one study with its series. Translates, asks the archive, translates back."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import PathText, StudyDetailOut, StudyPageOut
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import archive
from filmless.features.archive import SeriesRow, StudyRow
from filmless.infra import limits
from filmless.standards.dicom.dates import parse_date, parse_time

PAGE_STUDIES_DEFAULT = 50

router = APIRouter(tags=["studies"])

Text = Annotated[str, Query(max_length=256)]


@router.get("/studies", **answers(200, StudyPageOut, "A page of studies", 400, 401, 403))
def find_studies(
    request: Request,
    *,
    search: Text = "",
    patient_name: Text = "",
    patient_id: Text = "",
    accession_number: Text = "",
    modality: Annotated[list[Text] | None, Query(max_length=64)] = None,
    study_date_from: date | None = None,
    study_date_to: date | None = None,
    order_by: Text = "-study_date",
    limit: Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)] = PAGE_STUDIES_DEFAULT,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The studies that match every field given; what is typed may be the beginning of the value."""
    matching = {
        "PatientName": _anywhere(patient_name),
        "PatientID": _beginning(patient_id),
        "AccessionNumber": _beginning(accession_number),
        "ModalitiesInStudy": "\\".join(modality or ()),
        "StudyDate": _range(study_date_from, study_date_to),
    }
    page = archive.find_studies(
        context_of(request).archive,
        actor_of(request),
        archive.Query(
            matching={keyword: value for keyword, value in matching.items() if value},
            search=search,
            order_by=tuple(name.strip() for name in order_by.split(",") if name.strip()),
            limit=limit,
            offset=offset,
        ),
    )
    return json_response(
        {
            "studies": [_study(row) for row in page.rows],
            "total": page.total,
            "total_is_exact": page.total_is_exact,
            "limit": limit,
            "offset": offset,
        }
    )


@router.get("/studies/{study_instance_uid}", **answers(200, StudyDetailOut, "The study", 401, 403, 404))
def get_study(request: Request, study_instance_uid: PathText) -> Response:
    """One study with its series."""
    held, actor = context_of(request).archive, actor_of(request)
    study = archive.get_study(held, actor, study_instance_uid)
    series_list = archive.list_series(held, actor, study_instance_uid)
    return json_response(_study(study) | {"series_list": [_series(row) for row in series_list]})


def _study(row: StudyRow) -> dict[str, Any]:
    study_time = parse_time(row.study_time).value
    return {
        "study_instance_uid": row.study_instance_uid,
        "patient_name": row.patient_name,
        "patient_id": row.patient_id,
        "issuer_of_patient_id": row.issuer_of_patient_id,
        "patient_birth_date": parse_date(row.patient_birth_date).value,
        "patient_sex": row.patient_sex,
        "study_date": parse_date(row.study_date).value,
        "study_time": study_time and study_time[:8],
        "accession_number": row.accession_number,
        "study_description": row.study_description,
        "referring_physician_name": row.referring_physician_name,
        "modalities_in_study": list(row.modalities_in_study),
        "number_of_series": row.number_of_series,
        "number_of_instances": row.number_of_instances,
        "size_bytes": row.size_bytes,
        "received_at": row.received_at,
        "updated_at": row.updated_at,
    }


def _series(row: SeriesRow) -> dict[str, Any]:
    study_uid, series_uid = row.study.study_instance_uid, row.series_instance_uid
    return {
        "series_instance_uid": series_uid,
        "modality": row.modality,
        "series_number": row.series_number,
        "series_description": row.series_description,
        "body_part_examined": row.body_part_examined,
        "number_of_instances": row.number_of_instances,
        "thumbnail_url": f"/dicom-web/studies/{study_uid}/series/{series_uid}/thumbnail",
    }


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _anywhere(text: str) -> str:
    text = text.strip()
    return f"*{text}*" if text and not _has_wildcard(text) else text


def _beginning(text: str) -> str:
    text = text.strip()
    return f"{text}*" if text and not _has_wildcard(text) else text


def _range(first: date | None, last: date | None) -> str:
    """A DICOM date range (PS3.4 C.2.2.2.5); open at an end that is not given."""
    if first is None and last is None:
        return ""
    return f"{first.strftime('%Y%m%d') if first else ''}-{last.strftime('%Y%m%d') if last else ''}"
