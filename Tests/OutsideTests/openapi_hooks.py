"""What the schema-driven tester is told of Hale beyond its document."""

import json

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
