"""What the schema-driven tester is told of Hale beyond its document."""

import json
import os

import schemathesis


@schemathesis.serializer("application/x-sentry-envelope")
def envelope(context, value):
    """Text goes as it is; values that break the schema go as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {"data": text.encode("utf-8", "surrogatepass")}


@schemathesis.hook
def filter_query(context, query):
    """Leaves out values that the tester takes for wrong ones and that leave no trace in the URL."""
    return all(value not in ([], {}) for value in (query or {}).values())


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Leaves the tester its own token and key: without them there is nothing left to test."""
    names = case.path_parameters or {}
    if case.method.upper() == "DELETE":
        if names.get("token") == "1":
            names["token"] = "999"
        if names.get("key") == os.environ["HALE_OPENAPI_KEY"]:
            names["key"] = "0" * 32
