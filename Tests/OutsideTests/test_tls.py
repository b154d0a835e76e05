"""TLS of the commands that connect to other machines."""

import re

from hale import run
from receiver import make_certificates


def test_commands_speak_tls(receive, tmp_path):
    """`hale gate` and `hale send` use https:// addresses and verify their certificates."""
    authority, certificate = make_certificates(tmp_path)
    receiver = receive(404, certificate=certificate)
    envelope = tmp_path / "envelope"
    envelope.write_bytes(b"{}\n")
    url = receiver.url("")
    sending = ("send", envelope, "--dsn", url.replace("//", f"//{'a' * 32}@") + "/1")
    checking = ("gate", "--release", "shop@1", "--url", url, "--token", "t")
    for arguments in (sending, checking):
        done = run(*arguments)
        assert done.returncode in (1, 3) and re.search("certificate|SSL", done.stdout + done.stderr)
    assert not receiver.received
    done = run(*checking, env={"HALE_CA_FILE": str(authority)})
    assert done.returncode == 3 and "answered 404: as configured" in done.stderr, done
    done = run(*sending, env={"HALE_CA_FILE": str(authority)})
    assert done.returncode == 0 and "200 as configured" in done.stdout, done
    gate, sent = receiver.received
    assert gate.path.startswith("/api/0/organizations/default/releases/shop%401/gate/?")
    assert gate.headers["Authorization"] == "Bearer t"
    assert sent.path == "/api/1/envelope/" and sent.body == b"{}\n"
