"""WADO-RS (PS3.18 section 10.4): instances, metadata and bulk values, as they are stored.

Not here: frames (`frames`), pictures (`rendered`). Start at `routes`.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from filmless.edge.dicomweb.errors import NotAcceptable
from filmless.edge.dicomweb.frames import Form, in_form
from filmless.edge.dicomweb.media_types import (
    DICOM,
    DICOM_JSON,
    OCTET_STREAM,
    media_type_of_frames,
    parse_accept,
    takes_json,
)
from filmless.edge.dicomweb.multipart import closing, content_type_of, part_head
from filmless.edge.dicomweb.services import (
    IMMUTABLE,
    INSTANCE,
    NO_SNIFFING,
    REVALIDATED,
    SERIES,
    STUDY,
    Outgoing,
    Services,
    accept_of,
    place_of,
)
from filmless.features.access import Actor
from filmless.features.archive import (
    InstanceRow,
    get_instance,
    instance_metadata,
    list_instances,
    part10_chunks,
    series_metadata_gzip,
    study_metadata_gzip,
)

# A DICOM file can also be something else (a polyglot): never shown by a browser, only saved.
_AS_FILE = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}


def routes(services: Services) -> list[Route]:
    """All other routes."""
    wado = _Wado(services)
    endpoint = services.endpoint
    return [
        Route(INSTANCE + "/metadata", endpoint(wado.instance_metadata)),
        Route(SERIES + "/metadata", endpoint(wado.metadata)),
        Route(STUDY + "/metadata", endpoint(wado.metadata)),
        Route(INSTANCE + "/bulkdata/{path:path}", endpoint(wado.bulk_data)),
        Route(INSTANCE, endpoint(wado.instance)),
        Route(SERIES, endpoint(wado.instances)),
        Route(STUDY, endpoint(wado.instances)),
    ]


@dataclass(frozen=True, slots=True)
class _Wado:
    services: Services

    # --- Bulk values ---------------------------------------------------------------------------------------

    async def bulk_data(self, request: Request, actor: Actor) -> Response:
        """A bulk value by its path (PS3.18 section 10.4.1.1.5), also inside sequences."""
        return await self.services.respond(await self.services.run(self._bulk_data, request, actor))

    def _bulk_data(self, request: Request, actor: Actor) -> Response | Outgoing:
        found = self.services.viewing.bulk_data(actor, place_of(request), request.path_params["path"])
        media_type = media_type_of_frames(found.transfer_syntax_uid)
        for accepted in parse_accept(accept_of(request)):
            is_alone = not accepted.is_multipart and found.count == 1
            if not (accepted.is_multipart or is_alone):
                continue
            # Any name for octets will do: a document is asked for as application/pdf, a waveform as itself.
            if accepted.takes(media_type) or accepted.takes(OCTET_STREAM):
                form = Form(accepted.is_multipart, decode=False)
                return in_form(found.pieces, found.count, form, found.transfer_syntax_uid)
            if is_alone and not found.is_pixel_data and accepted.media_type == "application/pdf":
                headers = IMMUTABLE | NO_SNIFFING
                return Outgoing("application/pdf", headers, next(found.pieces).chunks)
        raise NotAcceptable(f"The value can be sent as {media_type}, alone or in multipart/related.")

    # --- Metadata ------------------------------------------------------------------------------------------

    async def metadata(self, request: Request, actor: Actor) -> Response:
        """Metadata of a study or series, from what is prepared (PS3.18 section 10.4.1.1.2)."""
        _must_take_json(request)
        path, archive = request.path_params, self.services.archive
        if "series" in path:
            body = await self.services.run(
                series_metadata_gzip, archive, actor, path["study"], path["series"]
            )
        else:
            body = await self.services.run(study_metadata_gzip, archive, actor, path["study"])
        # The last eight bytes are checksum and length of the text.
        headers = {**REVALIDATED, "ETag": f'"{body[-8:].hex()}"', "Vary": "Accept-Encoding, Accept"}
        if _holds_already(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if _takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
        else:
            body = await self.services.run(zlib.decompress, body, zlib.MAX_WBITS | 16)
        return Response(body, media_type=DICOM_JSON, headers=headers)

    async def instance_metadata(self, request: Request, actor: Actor) -> Response:
        """Metadata of one instance."""
        _must_take_json(request)
        path = request.path_params
        body = await self.services.run(
            instance_metadata,
            self.services.archive,
            actor,
            path["study"],
            path["series"],
            path["instance"],
        )
        headers = {**REVALIDATED, "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"', "Vary": "Accept"}
        if _holds_already(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=DICOM_JSON, headers=headers)

    # --- Instances -----------------------------------------------------------------------------------------

    async def instance(self, request: Request, actor: Actor) -> Response:
        """One instance as a DICOM file (PS3.18 section 10.4.1.1.1)."""
        archive, place = self.services.archive, place_of(request)
        row = await self.services.run(
            get_instance,
            archive,
            actor,
            place.study_instance_uid,
            place.series_instance_uid,
            place.sop_instance_uid,
        )
        if _instances_in_parts(request, [row]):
            return await self._multipart([row])
        return StreamingResponse(
            await self.services.chunks(part10_chunks(archive, row)),
            media_type=_dicom_type(row),
            headers={**IMMUTABLE, **_AS_FILE, "Content-Length": str(row.object_bytes)},
        )

    async def instances(self, request: Request, actor: Actor) -> Response:
        """All instances of a study or series, one part each."""
        path = request.path_params
        rows = await self.services.run(
            list_instances, self.services.archive, actor, path["study"], path.get("series")
        )
        if not _instances_in_parts(request, rows):
            raise NotAcceptable('Several instances are sent as multipart/related; type="application/dicom".')
        return await self._multipart(rows)

    async def _multipart(self, rows: list[InstanceRow]) -> Response:
        heads = [
            part_head(_dicom_type(row), row.object_bytes, is_first=not number)
            for number, row in enumerate(rows)
        ]
        length = sum(map(len, heads)) + sum(row.object_bytes for row in rows) + len(closing())
        return StreamingResponse(
            await self.services.chunks(self._parts(rows, heads)),
            media_type=content_type_of(DICOM),
            headers={**REVALIDATED, **_AS_FILE, "Content-Length": str(length)},
        )

    def _parts(self, rows: list[InstanceRow], heads: list[bytes]) -> Iterator[bytes]:
        for row, head in zip(rows, heads, strict=True):
            chunks = part10_chunks(self.services.archive, row)
            yield head + next(chunks)
            yield from chunks
        yield closing()


# --- Negotiation -------------------------------------------------------------------------------------------


def _instances_in_parts(request: Request, rows: list[InstanceRow]) -> bool:
    """Whether the client wants a multipart message; raises NotAcceptable when it wants something else.

    Without a transfer syntax an instance is sent as stored: what was received is what is retrieved.
    """
    stored = {row.transfer_syntax_uid for row in rows}
    for accepted in parse_accept(accept_of(request)):
        if accepted.takes(DICOM):
            wanted = accepted.transfer_syntax
            if wanted in (None, "*") or stored == {wanted}:
                return accepted.is_multipart
    raise NotAcceptable(
        "Instances are sent as application/dicom in the transfer syntax they are stored in "
        f"({', '.join(sorted(stored))}); ask with transfer-syntax=*."
    )


def _dicom_type(row: InstanceRow) -> str:
    return f"{DICOM}; transfer-syntax={row.transfer_syntax_uid}"


def _must_take_json(request: Request) -> None:
    if not takes_json(accept_of(request)):
        raise NotAcceptable("Metadata is sent as application/dicom+json.")


def _holds_already(request: Request, tag: str) -> bool:
    """Whether the client has this version (RFC 9110 section 13.1.2); proxies may have made its tag weak."""
    held = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in held)


def _takes_gzip(request: Request) -> bool:
    for coding in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*") and weight.replace(" ", "") not in ("q=0", "q=0.0"):
            return True
    return False
