"""DICOMweb (PS3.18): search (QIDO-RS), retrieve (WADO-RS) and store (STOW-RS) over HTTP.

Translates requests into verbs of `features/archive` and their results into media types. Not here: sessions
and problem documents (`edge/http`), the JSON of our own web app (`edge/api`). Start at `app.create_dicomweb`.
"""

from filmless.edge.dicomweb.app import create_dicomweb

__all__ = ["create_dicomweb"]
