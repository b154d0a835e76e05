"""The program matches its OpenAPI document: a tester generates valid and invalid requests from the
document, and checks each response."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hale import ROOT, aggregates, hours, iso, run, session, utc

HERE = Path(__file__).parent
# Generated cases for each operation: with the examples of the document some thousands in all, in
# half a minute.
CASES = 40
SEED = int(os.environ.get("HALE_OPENAPI_SEED", "1"))
NOON = utc("2026-03-10T12:30:00Z")

CONFIGURATION = """
hooks = "openapi_hooks"
seed = {seed}
continue-on-failure = true

[generation]
database = "none"
max-examples = {cases}
# Unknown parameters of Sentry's routes are let through.
allow-extra-parameters = false

[checks.positive_data_acceptance]
# A schema cannot express that a range fits its interval: such requests are 400.
enabled = false

[checks.ignored_auth]
# Guesses are slowed: beyond ten they are 429. The tests of tokens have that.
enabled = false

[auth.openapi]
token = {{ bearer = "{token}" }}
dsnHeader = {{ api_key = "Sentry sentry_key={key}, sentry_version=7" }}
dsnQuery = {{ api_key = "{key}" }}

[[operations]]
include-tag = "ingest"
# As in Relay, a malformed key is 400 and an unknown key is 403.
checks = {{ ignored_auth = {{ enabled = false }} }}

# Names of existing objects, so that most responses have data.
[dictionaries]
organizations = {{ values = ["default", "1"] }}
projects = {{ values = ["default", "1", "-1"] }}
versions = {{ values = ["shop@2.1.0", "shop@2.0.0"] }}
environments = {{ values = ["production", "staging"] }}
periods = {{ values = ["1h", "24h", "7d"] }}
intervals = {{ values = ["1h", "6h", "1d"] }}
times = {{ values = ["{start}", "{end}"] }}

[parameters]
"path.organization" = {{ dictionary = "organizations", probability = 0.9 }}
"path.project" = {{ dictionary = "projects", probability = 0.9 }}
"path.version" = {{ dictionary = "versions", probability = 0.8 }}
"path.environment" = {{ dictionary = "environments", probability = 0.8 }}
"path.project_id" = {{ dictionary = "projects", probability = 0.9 }}
"query.base" = {{ dictionary = "versions", probability = 0.8 }}
"query.candidate" = {{ dictionary = "versions", probability = 0.8 }}
"query.statsPeriod" = {{ dictionary = "periods", probability = 0.7 }}
"query.statsPeriodStart" = {{ dictionary = "periods", probability = 0.7 }}
"query.statsPeriodEnd" = {{ dictionary = "periods", probability = 0.7 }}
"query.interval" = {{ dictionary = "intervals", probability = 0.7 }}
"query.start" = {{ dictionary = "times", probability = 0.7 }}
"query.end" = {{ dictionary = "times", probability = 0.7 }}
"query.bucket" = {{ dictionary = "times", probability = 0.7 }}
"""


def fill(hale):
    at = NOON
    for hour in range(0, 30, 3):
        begun = at - hours(hour)
        hale.send(
            session("crashed", at=begun, did="bob", release="shop@2.0.0"),
            session(at=begun, did="ada", release="shop@2.1.0", environment="production"),
            session("abnormal", at=begun, did="eve", release="shop@2.1.0", environment="staging",
                    abnormal_mechanism="anr_foreground"),
            session(at=begun, release="latest"),
            aggregates([{"started": iso(begun), "exited": 4, "errored": 1}], release="shop@2.1.0"))
    done = hale.cli("jobs", "run", "adoption")
    assert done.returncode == 0, done


def try_all(hale, folder):
    """Runs the tester; returns its exit status and what it printed."""
    at = NOON
    (folder / "schemathesis.toml").write_text(CONFIGURATION.format(
        cases=CASES, seed=SEED, token=hale.token, key=hale.key, start=iso(at - hours(20)),
        end=iso(at - hours(2))))
    tester = Path(sys.executable).parent / "schemathesis"
    done = subprocess.run(
        [tester, "--config-file", folder / "schemathesis.toml", "run",
         f"{hale.address}/api/0/openapi.json", "--no-color", "--warnings", "off"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE), "HALE_OPENAPI_KEY": hale.key}, timeout=300, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def test_every_response_matches_the_document(start, tmp_path):
    """Valid and invalid parameters, tokens and methods: no 5xx, and no undocumented response."""
    hale = start(clock=NOON)
    fill(hale)
    status, text = try_all(hale, tmp_path)
    assert status == 0, text
    assert int(re.search(r"(\d+) generated", text).group(1)) > 1000, text
    assert re.search(r"Selected: (\d+)/\1\n\s+Tested: \1\n", text), text
    hale.assert_runs()


def test_the_version_is_the_same_everywhere(hale):
    """In the program, in its document and metrics, and in the newest heading of the changelog."""
    version = run("--version").stdout.strip()
    assert hale.request("GET", "/api/0/openapi.json").json["info"]["version"] == version
    metrics = hale.request("GET", "/metrics").body.decode()
    assert f'hale_build_info{{version="{version}"}} 1' in metrics
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", changes, re.M).group(1) == version


def concrete(path):
    return re.sub(r"\{(\w+)\}", lambda name: {
        "organization": "default", "project": "default", "project_id": "1"}.get(name[1], "x"), path)


def test_undeclared_methods_and_missing_tokens(hale):
    """405 lists the document's methods, and an operation with a token needs it."""
    document = hale.request("GET", "/api/0/openapi.json").json
    token = {"Authorization": f"Bearer {hale.token}"}
    for path, operations in document["paths"].items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            if method.lower() not in operations:
                reply = hale.request(method, concrete(path), headers=token)
                allowed = {name.strip() for name in reply.headers["Allow"].split(",")}
                assert reply.status == 405 and "detail" in reply.json, (method, path)
                assert allowed - {"HEAD"} == {name.upper() for name in operations}, path
            elif operations[method.lower()].get("security", document["security"]) \
                    and "/api/0/" in path:
                for headers in ({}, {"Authorization": "Bearer wrong"},
                                {"Authorization": "Basic Og=="}):
                    reply = hale.request(method, concrete(path), b"{}", headers)
                    # Wrong tokens are slowed down after some.
                    statuses = (401, 429) if "wrong" in str(headers) else (401,)
                    assert reply.status in statuses and "detail" in reply.json, (method, path)
                    assert reply.headers["WWW-Authenticate"] == "Bearer"
