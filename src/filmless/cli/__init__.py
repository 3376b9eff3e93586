"""The command `filmless`: one file for each verb. Builds the system by `compose`, calls a verb, prints.

Not here: any rule of the department. Start at `app.py`; `common.py` holds what the verbs share. This file
imports nothing: a role that the supervisor starts must not pay for every other command.
"""
