"""Other archives: which there are, what they have, having it fetched and seeing how far that is."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from filmless.edge.api.dicom_side import dicom_side_of
from filmless.edge.api.remote_schemas import (
    PullIn,
    PullOut,
    PullsOut,
    RemoteArchivesOut,
    RemoteSearchIn,
    RemoteSeriesListOut,
    RemoteStudiesOut,
)
from filmless.edge.api.routing import answers, context_of
from filmless.edge.api.schemas import PathText
from filmless.edge.http.identity import actor_of
from filmless.edge.http.responses import json_response
from filmless.features import archive, nodes
from filmless.infra import limits
from filmless.standards.dicom.dates import parse_date, parse_time

AETitleText = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$")]

router = APIRouter(tags=["remote"], prefix="/remote")


@router.get("/archives", **answers(200, RemoteArchivesOut, "The nodes that may be asked", 401, 403))
def list_archives(request: Request) -> Response:
    """The nodes that may be asked; whether one answers queries only it can tell."""
    found = nodes.list_destinations(context_of(request).database, actor_of(request))
    return json_response(
        {"archives": [{"ae_title": it.ae_title, "description": it.description} for it in found]}
    )


# POST, for what is looked for names patients and must not stand in an address.
@router.post("/search", **answers(200, RemoteStudiesOut, "What it has", 400, 401, 403, 404, 429, 503))
def search(request: Request, body: RemoteSearchIn) -> Response:
    """Search another archive; waits for its answer."""
    wanted = archive.RemoteSearch(
        patient_name=body.patient_name,
        patient_id=body.patient_id,
        accession_number=body.accession_number,
        study_date_from=body.study_date_from,
        study_date_to=body.study_date_to,
        modalities=tuple(body.modalities),
        study_instance_uid=body.study_instance_uid,
    )
    found = dicom_side_of(request).find_studies(actor_of(request), body.ae_title, wanted, body.limit)
    return json_response({"studies": [_study(it) for it in found.studies], "is_whole": found.is_whole})


@router.get(
    "/studies/{study_instance_uid}/series",
    **answers(200, RemoteSeriesListOut, "Its series", 400, 401, 403, 404, 429, 503),
)
def find_series(request: Request, study_instance_uid: PathText, ae_title: AETitleText) -> Response:
    """The series of one study of another archive; waits for its answer."""
    found = dicom_side_of(request).find_series(actor_of(request), ae_title, study_instance_uid)
    return json_response({"series_list": [_series(it) for it in found]})


@router.post("/pulls", **answers(202, PullOut, "It will be fetched", 400, 401, 403, 404))
def ask_pull(request: Request, body: PullIn) -> Response:
    """Have a study, or some series of it, fetched in the background."""
    wanted = archive.NewPull(
        body.ae_title, body.study_instance_uid, tuple(body.series_instance_uids), body.method
    )
    pull = archive.ask_pull(context_of(request).archive, actor_of(request), wanted)
    return json_response(_pull(pull), 202)


@router.get("/pulls", **answers(200, PullsOut, "The pulls asked for last", 401, 403))
def list_pulls(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=limits.QUERY_RESULTS_MAX)] = limits.QUERY_RESULTS_DEFAULT,
) -> Response:
    """The pulls asked for last, newest first, with how far they are."""
    found = archive.list_pulls(context_of(request).archive, actor_of(request), limit)
    return json_response({"pulls": [_pull(it) for it in found]})


@router.get("/pulls/{pull_id}", **answers(200, PullOut, "How far it is", 401, 403, 404))
def get_pull(request: Request, pull_id: PathText) -> Response:
    """How far one pull is."""
    return json_response(_pull(archive.get_pull(context_of(request).archive, actor_of(request), pull_id)))


@router.post("/pulls/{pull_id}/stop", **answers(200, PullOut, "Stopped", 401, 403, 404, 409))
def stop_pull(request: Request, pull_id: PathText) -> Response:
    """Fetch no more of it; what has come stays."""
    return json_response(_pull(archive.stop_pull(context_of(request).archive, actor_of(request), pull_id)))


def _study(study: archive.RemoteStudy) -> dict[str, Any]:
    study_time = parse_time(study.study_time).value
    return {
        "study_instance_uid": study.study_instance_uid,
        "patient_name": study.patient_name,
        "patient_id": study.patient_id,
        "issuer_of_patient_id": study.issuer_of_patient_id,
        "patient_birth_date": parse_date(study.patient_birth_date).value,
        "patient_sex": study.patient_sex,
        "study_date": parse_date(study.study_date).value,
        "study_time": study_time and study_time[:8],
        "accession_number": study.accession_number,
        "study_description": study.study_description,
        "referring_physician_name": study.referring_physician_name,
        "modalities_in_study": list(study.modalities_in_study),
        "number_of_series": study.number_of_series,
        "number_of_instances": study.number_of_instances,
        "number_of_instances_here": study.number_of_instances_here,
        "is_here": study.is_here,
    }


def _series(series: archive.RemoteSeries) -> dict[str, Any]:
    return {
        "series_instance_uid": series.series_instance_uid,
        "modality": series.modality,
        "series_number": series.series_number,
        "series_description": series.series_description,
        "series_date": parse_date(series.series_date).value,
        "body_part_examined": series.body_part_examined,
        "number_of_instances": series.number_of_instances,
    }


def _pull(pull: archive.Pull) -> dict[str, Any]:
    return {
        "id": pull.id,
        "ae_title": pull.ae_title,
        "study_instance_uid": pull.study_instance_uid,
        "series_instance_uids": list(pull.series_instance_uids),
        "method": pull.method,
        "state": pull.state,
        "attempts": pull.attempts,
        "completed": pull.counts.completed,
        "failed": pull.counts.failed,
        "remaining": pull.counts.remaining,
        "explanation": pull.explanation,
        "asked_by": pull.asked_by,
        "asked_at": pull.asked_at,
        "ended_at": pull.ended_at,
    }
