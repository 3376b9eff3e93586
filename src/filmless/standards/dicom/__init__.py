"""DICOM as values: bytes of a data set in, names, numbers, text and offsets out.

Not here: sockets (`edge.dimse`), files (`infra.object_store`), rules (`features`).
Start at `header` for what a receiver needs, `elements` for how a data set is walked,
`json_model` for DICOMweb, `frames` for where the pixels lie, `upper_layer` for associations.
"""
