"""Hale, its peers, and the load on them."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from hale import Hale, wait
from machine import cpu_seconds
from worlds import BENCH, KEY, NOW, ROOT, TOKEN

# The running wrk processes.
LOADS = set()

ANSWER = '{"id":"00000000000000000000000000000000"}'


class Nginx:
    """nginx with one worker that reads each request and answers 200."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = Path(folder)
        self.folder.mkdir()
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; worker_processes 1; pid {self.folder}/pid;
            error_log {self.folder}/error.log;
            events {{ worker_connections 4096; use epoll; }}
            http {{
              access_log off; keepalive_requests 1000000000;
              client_body_temp_path {self.folder}/body;
              server {{
                listen 127.0.0.1:{self.port};
                location / {{ return 200 '{ANSWER}'; }}
              }}
            }}""")
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        if self.process.poll() is not None:
            sys.exit("nginx did not start: " + (self.folder / "error.log").read_text()[-500:])

    def end(self):
        self.process.terminate()
        self.process.wait()


class BareListener:
    """Hale's listener alone."""

    def __init__(self):
        self.process = subprocess.Popen(
            [str(BENCH), "listen", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Service(Hale):
    """Hale on a database that `hale-bench fill` has created."""

    def __init__(self, data, *arguments, now=NOW, listen="127.0.0.1:0"):
        super().__init__(Path(data) / "output", "--now", now, "--log-level", "error", *arguments,
                         data=data, listen=listen)
        self.token = TOKEN
        self.dsn = f"http://{KEY}@127.0.0.1/1"

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *_):
        if self.end() is not None and failure is None:
            raise RuntimeError("the service ended by itself:\n" + self.log())

    def figures(self):
        """The values of /metrics."""
        lines = self.request("GET", "/metrics").body.decode().splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def counts(self):
        """The recent counts of sessions, and of items by outcome."""
        answer = self.sessions("sum(session)", includeSeries=0)
        counts = {"sessions": sum(group["totals"]["sum(session)"] for group in answer["groups"])}
        for entry in self.get("/organizations/default/outcomes/").json["outcomes"]:
            name = entry.get("reason", entry["outcome"])
            counts[name] = counts.get(name, 0) + entry["quantity"]
        return counts

    def drained(self):
        """The counts once everything is folded."""
        last = []

        def is_still():
            last.append((self.figures()["hale_ingest_queue_updates"], self.counts()))
            return len(last) > 1 and last[-1] == last[-2] and last[-1][0] == 0
        wait(is_still, "the queue running empty")
        return last[-1][1]

    def query(self, parameters, connection=None):
        """Queries the sessions API; returns the response and its milliseconds."""
        own = connection or self.http()
        began = time.perf_counter()
        own.request("GET", "/api/0/organizations/default/sessions/?"
                    + urllib.parse.urlencode(parameters, doseq=True),
                    headers={"Authorization": f"Bearer {self.token}"})
        reply = own.getresponse()
        body = reply.read()
        milliseconds = (time.perf_counter() - began) * 1000
        if connection is None:
            own.close()
        if reply.status != 200:
            raise RuntimeError(f"{reply.status} {body[:300]}")
        return json.loads(body), milliseconds

    def http(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)


def start_load(port, requests, connections, seconds, pause=0):
    """Begins a run of wrk; `finish_load` waits for it."""
    process = subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s",
         str(ROOT / "Bench" / "wrk" / "replay.lua"), f"http://127.0.0.1:{port}", "--",
         str(requests.path), str(pause)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    LOADS.add(process)
    return process


def end_loads():
    """Ends the loads of an interrupted run."""
    for process in LOADS:
        process.kill()
        process.wait()


def finish_load(process, requests):
    output = process.communicate()[0]
    LOADS.discard(process)
    found = re.search(r"^RESULT (.*)$", output, re.M)
    if process.returncode != 0 or not found:
        raise RuntimeError("wrk failed:\n" + output)
    result = json.loads(found.group(1))
    result["good"] = result["answered"] - result["status"]
    result["rate"] = result["good"] / result["microseconds"] * 1e6
    result["repeated"] = max(0, result["sent"] - requests.count)
    return result


def load(server, requests, connections, seconds, pause=0, meanwhile=lambda: None):
    """One run: responses per second, latencies in microseconds, CPU time per request, and the
    result of the work that was done meanwhile."""
    process = start_load(server.port, requests, connections, seconds, pause)
    before = cpu_seconds(server.process.pid)
    done = meanwhile()
    result = finish_load(process, requests)
    result["meanwhile"] = done
    used = cpu_seconds(server.process.pid) - before
    result["cpu_us"] = used / max(result["answered"], 1) * 1e6
    return result


def checked_load(report, name, service, requests, connections, seconds, pause=0,
                 meanwhile=lambda: None):
    """One run on Hale, whose counts must match what was sent."""
    before, batches = service.drained(), service.figures()
    began = cpu_seconds(service.process.pid)
    result = load(service, requests, connections, seconds, pause, meanwhile)
    commits = service.figures()
    after = service.drained()
    # Includes the folding that remains at the end of the load.
    used = cpu_seconds(service.process.pid) - began
    result["cpu_us"] = used / max(result["answered"], 1) * 1e6
    stored = (commits["hale_commit_batch_updates_sum"]
              - batches.get("hale_commit_batch_updates_sum", 0))
    result["commits"] = (commits["hale_commit_batch_updates_count"]
                         - batches.get("hale_commit_batch_updates_count", 0))
    result["batch"] = stored / max(result["commits"], 1)
    check(report, name, requests, result,
          {key: after[key] - before.get(key, 0) for key in after})
    return result


def check(report, name, requests, result, change):
    """Checks that the counts lie between what was answered 200 and what was sent; the difference
    is the requests in flight when the load ended."""
    report.checks += 1
    for kind in ("status", "connect", "read", "write", "timeout"):
        if result[kind]:
            report.fail(f"{name}: {result[kind]} errors ({kind}) of {result['sent']} requests")
    under_way = result["sent"] - result["good"]
    # More responses than requests mean a wrong server or a wrong load generator.
    if under_way < 0:
        report.fail(f"{name}: {-under_way} answers more than requests")
    accepted = change.get("accepted", 0) + change.get("accepted_anonymous", 0)
    within(report, f"{name}: accepted items", accepted,
           result["good"] * requests.items, result["sent"] * requests.items)
    for outcome in set(change) - {"sessions", "accepted", "accepted_anonymous", "repeated"}:
        if change[outcome]:
            report.fail(f"{name}: {change[outcome]} items were '{outcome}'")
    if requests.kind != "aggregates":
        most = requests.new_sessions(result["sent"])
        within(report, f"{name}: sessions", change["sessions"],
               most - under_way * requests.items, most)


def within(report, name, value, low, high):
    if not low <= value <= high:
        report.fail(f"{name}: {value} is not within {low} to {high}")
