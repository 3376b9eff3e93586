"""HTTP: what `api` and `dicomweb` share. Who is asking, what an error looks like, what a body may weigh.

Everything here is plain ASGI, so streams pass through untouched. Not here: any route with data of patients.
Start at `stack.guarded`: the layers that every guarded application has, in order.
Invariant: a route needs a signed-in asker unless it is listed by name as open.
"""
