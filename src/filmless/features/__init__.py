"""What a department does: plain Python over a database, no wire language, no framework.

Stacked (imports point down): archive, patients, nodes, audit, access. Down by call, up by event. From outside
a feature is entered by its `__init__` only.
"""
