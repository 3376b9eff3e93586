"""Benchmarks: each script prints our figure, the peer's figure and the ratio, from one run on one machine.

Not here: tests (no figure here can fail a test), and nothing that the product imports. Nothing here imports
filmless either: the product is started as an administrator would start it and seen from outside only. The one
exception is `million` with `made_index`, which fill an index in bulk and ask the verbs beside the sockets.
Start at `ingest` and `dicomweb`; `make bench` runs both. Raw figures go to `bench/out` (not committed), the
summary to `bench/RESULTS.md`.
"""
