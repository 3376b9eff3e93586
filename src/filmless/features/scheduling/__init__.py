"""Scheduling: what is to be done when and on which station; the modality worklist is answered from it."""
