"""What the schema-driven tester needs to know beyond the OpenAPI document."""

import json
import os

import schemathesis


@schemathesis.serializer("application/x-sentry-envelope")
def envelope(context, value):
    """Sends text unchanged, and values that break the schema as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {"data": text.encode("utf-8", "surrogatepass")}


@schemathesis.hook
def filter_query(context, query):
    """Drops values that the tester considers wrong and that do not appear in the URL."""
    return all(value not in ([], {}) for value in (query or {}).values())


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Keeps the tester from revoking its own token and key."""
    names = case.path_parameters or {}
    if case.method.upper() == "DELETE":
        if names.get("token") == "1":
            names["token"] = "999"
        if names.get("key") == os.environ["HALE_OPENAPI_KEY"]:
            names["key"] = "0" * 32
