"""Every way in or out: one folder for each wire language. Translates, calls one verb, translates back.

Not here: rules, SQL. The languages never import each other; `http` is the floor that the web ones share.
"""
