"""DIMSE: the DICOM network protocol (PS3.7, PS3.8) over sockets.

Not here: what the bytes mean (`standards/dicom/upper_layer`), what storing is (`features/archive`). Start at
`server.DIMSEServer`; one C-STORE is in `store.py`.
"""
