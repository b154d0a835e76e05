"""The commands: their output, their effect on a running service, their exit status."""

import fcntl
import json
import re
import shutil
import subprocess

import pytest

from hale import (BINARY, Hale, PATIENCE, envelope, row, run, session, sessions, sessions_by, wait)

DONE, FAILED, USAGE = 0, 1, 64


def accepts(hale, project, key):
    """Whether the service accepts a session for a project with a key."""
    auth = {"X-Sentry-Auth": f"Sentry sentry_key={key}"}
    reply = hale.post(envelope(session()), auth, auth=False, target=hale.envelope_path(project))
    assert reply.status in (200, 403), reply
    return reply.status == 200


# The program ---------------------------------------------------------------------------------


def test_version_and_help():
    version = run("--version")
    assert version.returncode == DONE
    assert re.search(r"\d+\.\d+", version.stdout), version
    for arguments in (("help",), ("--help",), ("help", "serve"), ("serve", "--help"),
                      ("project", "--help"), ("help", "project", "create")):
        done = run(*arguments)
        assert done.returncode == DONE, (arguments, done)
        assert "USAGE" in done.stdout.upper(), (arguments, done)
    for name in ("--listen", "--data", "--public-url", "--now"):
        assert name in run("help", "serve").stdout


def test_completions():
    for shell in ("bash", "zsh", "fish"):
        done = run("--generate-completion-script", shell)
        assert done.returncode == DONE and "hale" in done.stdout, shell


@pytest.mark.parametrize("arguments", (
    ("nothing",), ("serve", "--nothing"), ("project", "create"), ("org", "create"),
    ("serve", "--listen"), ("token", "create", "x", "--scope", "everything"),
    ("project", "create", "x", "--id", "zero"), ("send",)))
def test_wrong_usage(arguments, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == USAGE, done
    assert done.stderr, done
    assert list(tmp_path.iterdir()) == [], "wrong usage left something behind"


# Settings ------------------------------------------------------------------------------------

WRONG = [
    ("listen", "nonsense"), ("listen", "127.0.0.1:99999"), ("listen", "127.0.0.1:"),
    ("public-url", "nonsense"), ("public-url", "ftp://example.com"), ("now", "yesterday"),
]


@pytest.mark.parametrize("name, value", WRONG)
@pytest.mark.parametrize("source", ("flag", "environment"))
def test_wrong_settings_name_themselves(tmp_path, source, name, value):
    """The error contains the setting, the value and the accepted form."""
    variable = "HALE_" + name.upper().replace("-", "_")
    arguments = ["serve", "--data", tmp_path / "data"]
    if source == "flag":
        done = run(*arguments, f"--{name}", value)
    else:
        done = run(*arguments, env={variable: value})
    assert done.returncode == USAGE, done
    assert name in done.stderr or variable in done.stderr, done
    assert value in done.stderr, done
    form = {"listen": "HOST:PORT", "public-url": "http", "now": "@FILE"}[name]
    assert form.lower() in done.stderr.lower(), done


def test_settings_from_the_environment(start, tmp_path):
    data = tmp_path / "elsewhere"
    hale = start(env={"HALE_PUBLIC_URL": "https://env.example.com"}, data=data)
    assert hale.dsn == f"https://{hale.key}@env.example.com/1"


def test_a_flag_outranks_the_environment(start):
    hale = start("--public-url", "https://flag.example.com",
                 env={"HALE_PUBLIC_URL": "https://env.example.com"})
    assert hale.dsn == f"https://{hale.key}@flag.example.com/1"


# First start -----------------------------------------------------------------------------------


def test_the_first_start(hale):
    assert hale.address == f"http://127.0.0.1:{hale.port}"
    assert re.fullmatch(rf"http://[0-9a-f]{{32}}@127\.0\.0\.1:{hale.port}/1", hale.dsn), hale.dsn
    hale.send(session("crashed"))
    assert sessions(hale) == row(crashed=1)
    assert sessions(hale, project="default") == row(crashed=1)


def test_a_second_start_prints_no_token(hale):
    token = hale.token
    assert hale.stop() == DONE
    hale.start()
    printed = hale.out.read_text()
    assert "token" not in printed and token not in printed
    hale.send(session())
    assert sessions(hale) == row(healthy=1)


def test_initial_values(start):
    key = "0123456789abcdef0123456789abcdef"
    token = "a-token-that-the-operator-chose-0123456789"
    env = {"HALE_INITIAL_KEY": key, "HALE_INITIAL_TOKEN": token, "HALE_INITIAL_PROJECT": "shop"}
    hale = start(env=env)
    assert hale.key == key
    hale.token = token
    hale.send(session())
    assert sessions(hale, project="shop") == row(healthy=1)
    # They have an effect only in an empty directory.
    assert hale.stop() == DONE
    hale.env = {"HALE_INITIAL_KEY": "f" * 32, "HALE_INITIAL_TOKEN": "other",
                "HALE_INITIAL_PROJECT": "other"}
    hale.start()
    assert accepts(hale, 1, key) and not accepts(hale, 1, "f" * 32)
    assert hale.get("/organizations/default/sessions/", {"field": "sum(session)"},
                    token="other").status == 401
    projects = hale.cli("project", "list").stdout
    assert "shop" in projects and "other" not in projects


@pytest.mark.parametrize("name, value", (
    ("HALE_INITIAL_KEY", "short"), ("HALE_INITIAL_PROJECT", "Not A Slug")))
def test_wrong_initial_values(tmp_path, name, value):
    done = run("serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data", env={name: value})
    assert done.returncode in (FAILED, USAGE), done
    assert name in done.stderr and value in done.stderr, done


def test_a_second_service_on_the_same_data_is_refused(hale):
    done = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
    assert done.returncode == FAILED, done
    assert str(hale.data) in done.stderr, done
    hale.send(session())
    assert sessions(hale) == row(healthy=1)


def test_an_address_in_use_is_refused(hale, tmp_path):
    address = f"127.0.0.1:{hale.port}"
    done = run("serve", "--listen", address, "--data", tmp_path / "other")
    assert done.returncode == FAILED, done
    assert address in done.stderr, done


def test_a_data_directory_that_is_none(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    done = run("serve", "--listen", "127.0.0.1:0", "--data", file)
    assert done.returncode == FAILED, done
    assert str(file) in done.stderr, done


def test_a_database_that_is_none(hale):
    """Damage is reported, not overwritten."""
    assert hale.stop() == DONE
    files = [path for path in hale.data.iterdir() if path.read_bytes()[:6] == b"SQLite"]
    assert files, list(hale.data.iterdir())
    files[0].write_bytes(b"this is no database" * 1000)
    done = run("serve", "--listen", "127.0.0.1:0", "--data", hale.data)
    assert done.returncode == FAILED, done
    assert done.stderr
    assert files[0].read_bytes().startswith(b"this is no database")


# Organizations, projects, keys, tokens ----------------------------------------------------------


@pytest.fixture
def stopped(hale):
    """The data directory of a service that has stopped."""
    assert hale.stop() == DONE
    return hale


def test_json_shapes(stopped):
    """One line per entry, with the names that scripts rely on; no service is needed."""
    hale = stopped
    org = hale.cli_json("org", "create", "acme")
    assert org == {"id": org["id"], "slug": "acme"} and isinstance(org["id"], int)
    project = hale.cli_json("project", "create", "shop", "--org", "acme", "--platform", "python")
    assert {"id", "slug", "dsn", "publicKey"} <= set(project), project
    assert project["slug"] == "shop" and isinstance(project["id"], int)
    assert re.fullmatch(r"[0-9a-f]{32}", project["publicKey"])
    assert project["dsn"].startswith("http") and project["publicKey"] in project["dsn"]
    assert project["dsn"].endswith(f"/{project['id']}")
    token = hale.cli_json("token", "create", "ci", "--org", "acme")
    assert isinstance(token["token"], str) and len(token["token"]) >= 32
    key = hale.cli_json("key", "create", "shop", "--org", "acme")
    assert re.fullmatch(r"[0-9a-f]{32}", key["publicKey"]), key
    assert key["publicKey"] != project["publicKey"]
    for what, name in (("org", "acme"), ("project", "shop"), ("token", "ci")):
        arguments = [what, "list"] if what == "org" else [what, "list", "--org", "acme"]
        listed = hale.cli_list(*arguments)
        assert name in [entry.get("slug") or entry.get("name") for entry in listed], listed
    keys = {entry["publicKey"] for entry in hale.cli_list("key", "list", "shop", "--org", "acme")}
    assert keys == {key["publicKey"], project["publicKey"]}
    # A token is shown only once.
    assert token["token"] not in json.dumps(hale.cli_list("token", "list", "--org", "acme"))


def test_plain_output(stopped):
    hale = stopped
    made = hale.cli("project", "create", "shop")
    assert made.returncode == DONE
    assert "shop" in made.stdout and re.search(r"http://[0-9a-f]{32}@", made.stdout), made
    assert "shop" in hale.cli("project", "list").stdout
    assert hale.cli("org", "create", "acme").returncode == DONE
    assert "acme" in hale.cli("org", "list").stdout
    token = hale.cli("token", "create", "ci")
    assert token.returncode == DONE and len(token.stdout.strip()) >= 32
    assert "ci" in hale.cli("token", "list").stdout


def test_a_chosen_number_and_key(stopped):
    hale = stopped
    made = hale.cli_json("project", "create", "shop", "--id", "4711", "--public-key", "ab" * 16)
    assert (made["id"], made["publicKey"]) == (4711, "ab" * 16)
    following = hale.cli_json("project", "create", "next")
    assert following["id"] != 4711
    for arguments in (("other", "--id", "4711"), ("other", "--public-key", "ab" * 16)):
        done = hale.cli("project", "create", *arguments)
        assert done.returncode == FAILED, done


def test_duplicates_are_refused(hale):
    for arguments in (("org", "create", "acme"), ("project", "create", "shop"),
                      ("token", "create", "ci")):
        assert hale.cli(*arguments).returncode == DONE
        again = hale.cli(*arguments)
        assert again.returncode == FAILED, again
        assert arguments[-1] in again.stderr, again
        assert "exist" in again.stderr or "taken" in again.stderr, again
    # Another organization may use the same names for its own.
    assert hale.cli("token", "create", "ci", "--org", "acme").returncode == DONE


@pytest.mark.parametrize("arguments, name", (
    (("project", "create", "shop", "--org", "nobody"), "nobody"),
    (("project", "list", "--org", "nobody"), "nobody"),
    (("key", "create", "nothing"), "nothing"), (("key", "list", "nothing"), "nothing"),
    (("key", "revoke", "f" * 32), "f" * 32), (("token", "revoke", "nothing"), "nothing"),
    (("token", "create", "x", "--org", "nobody"), "nobody")))
def test_unknown_names(hale, arguments, name):
    done = hale.cli(*arguments)
    assert done.returncode == FAILED, done
    assert name in done.stderr, done


@pytest.mark.parametrize("slug", ("", "Not A Slug", "a/b", "ü", "a" * 200, "..", "123"))
def test_slugs_that_are_none(hale, slug):
    """A slug is part of paths, and must differ from a number."""
    for what in ("org", "project"):
        done = hale.cli(what, "create", slug)
        assert done.returncode in (FAILED, USAGE), (what, slug, done)
        assert done.stderr


def test_a_new_project_in_a_running_service(hale):
    """The service makes the change of a command itself, and so knows it at once."""
    made = hale.cli_json("project", "create", "shop")
    assert made["dsn"] == f"http://{made['publicKey']}@127.0.0.1:{hale.port}/{made['id']}"
    assert accepts(hale, made["id"], made["publicKey"])
    assert sessions_by(hale, "project") == {(made["id"],): row(healthy=1)}
    assert sessions(hale, project="shop") == row(healthy=1)


def test_a_new_key_and_its_end(hale):
    key = hale.cli_json("key", "create", "default")["publicKey"]
    assert accepts(hale, 1, key)
    assert hale.cli("key", "revoke", key).returncode == DONE
    assert not accepts(hale, 1, key)
    again = hale.cli("key", "revoke", key)
    assert again.returncode == FAILED and "already" in again.stderr, again
    other = hale.cli_json("key", "create", "default")["publicKey"]
    assert hale.cli_json("key", "revoke", other)["publicKey"] == other
    # The other keys stay valid.
    assert accepts(hale, 1, hale.key)


def test_a_new_organization_in_a_running_service(hale):
    hale.cli_json("org", "create", "acme")
    project = hale.cli_json("project", "create", "app", "--org", "acme")
    token = hale.cli_json("token", "create", "reader", "--org", "acme")["token"]
    assert accepts(hale, project["id"], project["publicKey"])
    query = {"field": "sum(session)", "statsPeriod": "24h"}
    theirs = hale.get("/organizations/acme/sessions/", query, token)
    assert theirs.status == 200, theirs
    assert theirs.json["groups"][0]["totals"] == {"sum(session)": 1}
    # One organization does not see the counts of another.
    assert sessions(hale) == row()
    assert hale.get("/organizations/default/sessions/", query, token).status == 403


def test_what_was_made_without_a_service(stopped):
    made = stopped.cli_json("project", "create", "early")
    token = stopped.cli_json("token", "create", "reader")["token"]
    stopped.start()
    stopped.token = token
    assert accepts(stopped, made["id"], made["publicKey"])
    assert sessions(stopped, project="early") == row(healthy=1)


def test_a_service_waits_for_a_job(hale):
    """A service that is started during a job on the directory waits for its end."""
    hale.stop()
    with open(hale.data / "hale.lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate()
        lock.write("1 job\n")
        lock.flush()
        hale.spawn()
        wait(lambda: "Waiting" in hale.err.read_text(), "the notice")
    wait(hale._printed, "the service")
    assert hale.stop() == DONE


def test_an_organization_before_the_first_start(tmp_path):
    """The service then creates nothing, and prints what to do."""
    service = Hale(tmp_path / "hale")
    service.folder.mkdir(exist_ok=True)
    assert run("org", "create", "acme", "--data", service.data).returncode == DONE
    service.start()
    assert "hale project create" in service.err.read_text()
    assert service.stop() == DONE


def test_a_directory_that_is_not_there(tmp_path):
    """A mistyped path must not create a second, empty data directory."""
    absent = tmp_path / "absent"
    for arguments in (("project", "list"), ("project", "create", "shop"), ("token", "list"),
                      ("jobs",), ("jobs", "run", "retention")):
        done = run(*arguments, "--data", absent)
        assert done.returncode == FAILED and str(absent) in done.stderr, done
    assert not absent.exists()


# send, health, jobs -----------------------------------------------------------------------------


def test_send(hale, tmp_path):
    good, bad = tmp_path / "good.envelope", tmp_path / "bad.envelope"
    good.write_bytes(envelope(session(), session("crashed")))
    bad.write_bytes(b"{broken")
    done = run("send", good, "--dsn", hale.dsn)
    assert done.returncode == DONE, done
    assert str(good) in done.stdout and "200" in done.stdout, done
    assert sessions(hale) == row(healthy=1, crashed=1)
    done = run("send", bad, good, "--dsn", hale.dsn)
    assert done.returncode == FAILED, done
    assert "invalid event envelope" in done.stdout + done.stderr, done
    # A rejected file does not stop the next one; sent again, that counts once.
    assert "200" in done.stdout, done
    assert sessions(hale) == row(healthy=1, crashed=1)


def test_send_that_cannot(hale, tmp_path):
    good = tmp_path / "good.envelope"
    good.write_bytes(envelope(session()))
    absent = run("send", tmp_path / "absent", "--dsn", hale.dsn)
    assert absent.returncode == FAILED and "absent" in absent.stderr + absent.stdout, absent
    stranger = run("send", good, "--dsn", hale.dsn.replace(hale.key, "f" * 32))
    assert stranger.returncode == FAILED and "403" in stranger.stdout + stranger.stderr, stranger
    nonsense = run("send", good, "--dsn", "nonsense")
    assert nonsense.returncode == USAGE and "nonsense" in nonsense.stderr, nonsense
    hale.kill()
    gone = run("send", good, "--dsn", hale.dsn)
    assert gone.returncode == FAILED and gone.stderr + gone.stdout, gone


def test_health(hale):
    # Commands use no proxy of the environment.
    nowhere = "http://127.0.0.1:1"
    env = {"HALE_LISTEN": f"127.0.0.1:{hale.port}", "http_proxy": nowhere, "ALL_PROXY": nowhere}
    assert run("health", env=env).returncode == DONE
    # Whatever its address, the service on a directory is asked over its socket.
    assert run("health", "--data", hale.data).returncode == DONE
    assert run("health", "--data", hale.data, "--url", nowhere).returncode == USAGE
    hale.kill()
    gone = run("health", "--data", hale.data)
    assert gone.returncode == FAILED and "No service runs on" in gone.stderr, gone
    gone = run("health", env=env)
    assert gone.returncode == FAILED, gone
    assert gone.stderr


def test_jobs(hale):
    assert hale.cli("jobs", "run", "retention").returncode == DONE
    listed = hale.cli("jobs")
    assert listed.returncode == DONE and "retention" in listed.stdout, listed
    unknown = hale.cli("jobs", "run", "nothing")
    assert unknown.returncode in (FAILED, USAGE), unknown
    assert "nothing" in unknown.stderr and "retention" in unknown.stderr, unknown


def test_jobs_without_a_service(hale):
    assert hale.stop() == DONE
    done = hale.cli("jobs", "run", "retention", "--now", "2027-01-01T00:00:00Z")
    assert done.returncode == DONE, done
    listed = hale.cli("jobs")
    assert "2027-01-01" in listed.stdout, listed


# Logs ---------------------------------------------------------------------------------------------


def test_logs(start):
    plain = start()
    text = start("--log-format", "json")
    assert text.stop() == DONE and plain.stop() == DONE
    lines = text.err.read_text().splitlines()
    assert lines
    for line in lines:
        json.loads(line)
    assert plain.err.read_text().strip()


def test_the_binary_is_small_enough(tmp_path):
    copy = tmp_path / "hale"
    shutil.copy(BINARY, copy)
    subprocess.run(["strip", str(copy)], check=True, timeout=PATIENCE)
    assert copy.stat().st_size <= 20_000_000
