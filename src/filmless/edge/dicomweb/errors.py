"""Errors that only DICOMweb has, beside the kinds of `infra/errors.py`."""

from filmless.infra.errors import Invalid


class NotAcceptable(Invalid):
    """What is stored cannot be sent in any form that the client accepts: 406."""


class UnsupportedMediaType(Invalid):
    """The body is of a kind that cannot be stored: 415."""
