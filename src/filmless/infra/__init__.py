"""Machines: database, object store, jobs, clock, settings. Knows no medicine.

Not here: anything a radiologist would recognise. Start at `database.Database` and `settings.Settings`.
"""
