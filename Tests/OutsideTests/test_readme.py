"""The commands of README and of docs/api.md: they run as written, in order, in one shell.

`sh` blocks run in one bash beside a service. A `python` block is saved under the name that its
first line gives, for the `sh` block that runs it. `console` blocks are not run: NOT_RUN gives the
reason for each. Another kind of block fails, unless it is JSON or YAML, which is shown only.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from hale import BINARY, PATIENCE, ROOT, environment, row, session, sessions_by, users_by

# The blocks that are not run, by their first line up to its comment.
NOT_RUN = {
    "Scripts/run": "builds the program for minutes, installs packages, and stays in the foreground",
    "docker build -t hale .": "needs a Docker engine; `Scripts/test --all` builds the container",
}

# What the blocks of each section print, as patterns of lines.
PRINTED = {
    "README.md": {
        "Run it": [r"shop-android +[\d,]+", r"[\d,]+ sessions in [\d.]+ s\."],
        "Send sessions": [r"RuntimeError: a crash", r"DSN +http://\w{32}@[\w.:]+/\d+$",
                          r"id +42$"],
        "Query it": [r'.*"release":"shop@2\.1\.0"\},"totals":\{.*"sum\(session\)":1[,}]',
                     r'.*"version":"shop@2\.1\.0"', r'.*"prompt":', r'.*"outcome":"accepted"'],
        "Gate a release": [r"NOT DECIDED YET: ", r"exit status 2$",
                           r"shop: 99\.9 % of sessions crash-free over 28 days"],
        "Alert": [r"secret +\S+", r".*Crash-free sessions +(not evaluated yet|too few sessions: \d) ?",
                  r"Nothing was judged"],
        "Operate it": [r'\{"status":"ok"\}\{"status":"ready"\}', r"hale_pending_updates \d+",
                       r"retention ", r".*No differences found\."],
    },
    "docs/api.md": {
        "The API": [r'.*"p95\(session\.duration\)"', r'.*"difference":', r'.*"verdict":"unknown"',
                    r'.*"estimate":', r'.*"slug":"shop"'],
        "Releases": [r".*shop@2\.2\.0"],
    },
}


def blocks(page):
    """The fenced blocks of a page: (heading above, language, text)."""
    heading, language, lines = "", None, []
    for line in (ROOT / page).read_text().splitlines():
        if language is None:
            if line.startswith("#"):
                heading = line.lstrip("# ")
            elif line.startswith("```"):
                language, lines = line[3:], []
        elif line == "```":
            yield heading, language, "\n".join(lines) + "\n"
            language = None
        else:
            lines.append(line)
    assert language is None, f"{page} ends within a block"


def first_command(text):
    return text.splitlines()[0].split("  ")[0].strip()


def test_the_commands_run_as_written(start, tmp_path):
    hale = start(data=tmp_path / "hale-data")
    # The release that the examples compare with.
    hale.send(session(release="shop@2.0.0"))
    script = ["set -euo pipefail", "exec 2>&1"]
    not_run = set()
    sections = []
    for page in PRINTED:
        for heading, language, text in blocks(page):
            if language == "sh":
                sections.append((page, heading))
                script += [f"echo '=== {page}: {heading}'", text]
            elif language == "python":
                name = re.match(r"# (\w+\.py)\n", text)
                assert name, f"{page}: a program without a name:\n{text}"
                (tmp_path / name[1]).write_text(text)
            elif language == "console":
                not_run.add(first_command(text))
            else:
                assert language in ("json", "yaml"), f"{page}: a block of '{language}':\n{text}"
    assert not_run == set(NOT_RUN)
    for page, expected in PRINTED.items():
        assert set(expected) <= {heading for where, heading in sections if where == page}

    # The program under its own name, and the Python that has the SDK.
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hale").symlink_to(BINARY.resolve())
    path = [programs, Path(sys.executable).parent, os.environ["PATH"]]
    (tmp_path / "script.sh").write_text("\n".join(script))
    done = subprocess.run(
        ["bash", "script.sh"], cwd=tmp_path, timeout=PATIENCE * 10, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
        env=environment({"HALE_URL": hale.address, "PATH": ":".join(map(str, path))}))
    assert done.returncode == 0, f"ended with {done.returncode}:\n{done.stdout[-4000:]}"

    printed = {}
    for part in re.split(r"^=== ", done.stdout, flags=re.M)[1:]:
        title, _, text = part.partition("\n")
        printed[title] = printed.get(title, "") + text
    for page, expected in PRINTED.items():
        for heading, patterns in expected.items():
            text = printed[f"{page}: {heading}"]
            for pattern in patterns:
                assert re.search("^" + pattern, text, re.M), f"no '{pattern}' in:\n{text[-4000:]}"

    # The program that README shows has crashed once, with its user.
    release = {("shop@2.1.0",): row(crashed=1)}
    assert sessions_by(hale, "release", query="release:shop@2.1.*") == release
    assert users_by(hale, "release", query="release:shop@2.1.*") == release
