"""The JSON interface of the web application: one module for each feature, server-sent events in `live`.

Not here: pixels and DICOM JSON (`dicomweb`), who is asking (`http`). Start at `application.create_api`.
"""

from filmless.edge.api.application import create_api

__all__ = ["create_api"]
