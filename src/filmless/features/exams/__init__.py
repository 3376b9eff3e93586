"""Exams: what the modalities say they did; performed procedure steps (MPPS)."""
