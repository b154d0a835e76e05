"""Measures Hale beside nginx, in the same run and alternating: `Scripts/bench --help`."""

import argparse
import gzip
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "Tests" / "OutsideTests"))

from hale import BINARY, Hale, iso, now, read_reply, seconds, session  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Of a process and of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid, name="VmRSS"):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024


class Nginx:
    """One worker that answers 200 and does nothing else."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.port = 18080
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; worker_processes 1; pid {self.folder}/pid;
            error_log {self.folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; keepalive_requests 1000000000;
              client_body_temp_path {self.folder}/body;
              server {{
                listen 127.0.0.1:{self.port};
                location / {{ return 200 '{{"id":"00000000000000000000000000000000"}}'; }}
              }}
            }}""")
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.folder), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        if self.process.poll() is not None:
            sys.exit("nginx did not start; see " + str(self.folder))

    def end(self):
        self.process.terminate()
        self.process.wait()


def wrk(port, script, connections, duration, *arguments):
    """One run; requests a second, latencies in microseconds."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "30s", "-s",
         str(ROOT / script), f"http://127.0.0.1:{port}", "--", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    result = json.loads(re.search(r"^RESULT (.*)$", done.stdout, re.M).group(1))
    return {"rate": result["requests"] / result["microseconds"] * 1e6, **result}


class Table:
    """Rows of a measure, its goal and what was seen."""

    def __init__(self):
        self.rows = []

    def add(self, name, goal, figure, detail=None):
        self.rows.append({"measure": name, "goal": goal, "figure": figure, "detail": detail})
        print(f"{name:58} {goal:>22} {figure:>22}", flush=True)


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def sync_seconds(folder):
    """The median of how long a small write takes to be on the disk."""
    times = []
    with open(Path(folder) / "sync", "wb", buffering=0) as file:
        file.write(bytes(1 << 20))
        os.fdatasync(file.fileno())
        for index in range(200):
            file.seek(index * 4096)
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure_single(table, hale, nginx, arguments):
    """Single-session envelopes, answered after the commit, beside nginx in alternation."""
    goals = {64: "0.6", 256: "0.9", 1024: "1.0"}
    for connections, goal in goals.items():
        ratios, rates, costs, lines = [], [], [], []
        for index in range(arguments.rounds):
            peer = wrk(nginx.port, "fixed.lua", connections, arguments.seconds)
            before = cpu_seconds(hale.process.pid)
            own = wrk(hale.port, "single.lua", connections, arguments.seconds, hale.key, 1,
                      connections * 100 + index)
            cost = (cpu_seconds(hale.process.pid) - before) / own["requests"] * 1e6
            ratios.append(own["rate"] / peer["rate"])
            rates.append(own["rate"])
            costs.append(cost)
            lines.append({"hale": own, "nginx": peer, "microseconds": cost})
            if own["errors"]:
                print(f"  {own['errors']} errors of {own['requests']}")
        table.add(f"single sessions, {connections} connections, x nginx", f">= {goal}",
                  spread(ratios), lines)
        table.add(f"  a second, at {connections}", "", f"{statistics.median(rates):,.0f}")
        table.add(f"  CPU us a session, at {connections}", "<= 25", spread(costs))
        own50 = statistics.median(line["hale"]["p50"] for line in lines) / 1000
        own99 = statistics.median(line["hale"]["p99"] for line in lines) / 1000
        peer50 = statistics.median(line["nginx"]["p50"] for line in lines) / 1000
        peer99 = statistics.median(line["nginx"]["p99"] for line in lines) / 1000
        table.add(f"  p50 / p99 ms, at {connections} (nginx)", "",
                  f"{own50:.2f}/{own99:.2f} ({peer50:.2f}/{peer99:.2f})")


def measure_listener(table, hale, nginx, arguments):
    """An envelope that holds no session: everything but the store."""
    ratios, costs = [], []
    for _ in range(arguments.rounds):
        pair = []
        for server, path, key in (
                (nginx, "/", None), (hale, f"/api/1/envelope/", hale.key)):
            pid = server.process.pid
            before = cpu_seconds(pid)
            result = wrk(server.port, "fixed.lua", 64, arguments.seconds, path,
                         *([key] if key else []))
            pair.append((cpu_seconds(pid) - before) / result["requests"] * 1e6)
        costs.append(pair[1])
        ratios.append(pair[1] / pair[0])
    table.add("CPU of a request without a session, x nginx", "<= 1.0 (listener)", spread(ratios))
    table.add("  us", "", spread(costs))


def bodies(kind, count, users):
    """Packed envelopes, made before they are sent."""
    numbers = random.Random(1)
    made = []
    for _ in range(count):
        if kind == "sessions":
            items = []
            for _ in range(100):
                payload = json.dumps(session(
                    "exited", sid=uuid.UUID(int=numbers.getrandbits(128)).hex,
                    did=f"user-{numbers.randrange(users)}", duration=12.5,
                    at=now() - seconds(numbers.randrange(3600))))
                items.append('{"type":"session"}\n' + payload + "\n")
            text = "{}\n" + "".join(items)
        else:
            started = now() - seconds(3600)
            buckets = [{"started": iso(started + seconds(60 * (index % 60))), "exited": 5,
                        "errored": 1} for index in range(100)]
            text = '{}\n{"type":"sessions"}\n' + json.dumps(
                {"aggregates": buckets, "attrs": {"release": "app@1.0.0"}}) + "\n"
        made.append(gzip.compress(text.encode(), 6))
    return made


def measure_packed(table, hale, kind, name, goal, arguments):
    made = bodies(kind, 300 if arguments.quick else 1500, 100_000)
    connections, each = 16, len(made) // 16
    errors = []

    def work(part):
        with hale.connect(60) as connection:
            for body in part:
                connection.sendall(
                    f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
                    f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body)
                if read_reply(connection).status != 200:
                    errors.append(1)

    threads = [threading.Thread(target=work, args=(made[index * each:(index + 1) * each],))
               for index in range(connections)]
    before, began = cpu_seconds(hale.process.pid), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    total = connections * each * 100
    cost = (cpu_seconds(hale.process.pid) - before) / total * 1e6
    table.add(name, goal, f"{total / took:,.0f} a second", {"errors": len(errors)})
    table.add("  CPU us each", "", f"{cost:.2f}")


def measure_size(table, folder):
    stripped = Path(folder) / "stripped"
    subprocess.run(["strip", "-o", stripped, BINARY], check=True)
    table.add("binary, stripped, MB", "<= 20", f"{stripped.stat().st_size / 1e6:.1f}")


def measure_start(table, hale):
    """From the start of the process to the first 200 to a session."""
    hale.stop()
    hale.listen = f"127.0.0.1:{hale.port}"
    began = time.monotonic()
    hale.spawn()
    while True:
        try:
            with hale.connect(5) as connection:
                body = ("{}\n" + '{"type":"session"}\n' + json.dumps(session()) + "\n").encode()
                connection.sendall(
                    f"POST {hale.envelope_path()}?sentry_key={hale.key} HTTP/1.1\r\nHost: h\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                if read_reply(connection).status == 200:
                    break
        except OSError:
            time.sleep(0.001)
    table.add("start to the first 200, ms", "<= 100", f"{(time.monotonic() - began) * 1000:.0f}")


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", description="Measures the release build beside nginx on this "
        "machine. It tells figures; it never passes or fails.")
    parser.add_argument("--quick", action="store_true", help="in three minutes")
    parser.add_argument("--rounds", type=int, help="alternations of each pair (3; 2 if quick)")
    parser.add_argument("--seconds", type=int, help="of each run (5; 3 if quick)")
    parser.add_argument("--json", help="write everything to this file")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 5)
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        print(f"fdatasync of 4 KiB: {sync_seconds(folder) * 1e6:.0f} us; "
              f"load {os.getloadavg()[0]:.1f}")
        print(f"{'measure':58} {'goal':>22} {'median (range)':>22}")
        nginx = Nginx(Path(folder) / "nginx")
        hale = Hale(Path(folder) / "hale").start()
        try:
            table.add("resident memory idle, MB", "<= 15",
                      f"{memory(hale.process.pid) / 1e6:.1f}")
            measure_listener(table, hale, nginx, arguments)
            measure_single(table, hale, nginx, arguments)
            measure_packed(table, hale, "sessions", "sessions in envelopes of 100, gzip",
                           ">= 100,000", arguments)
            measure_packed(table, hale, "aggregates", "buckets of aggregates, gzip",
                           ">= 1,000,000", arguments)
            table.add("resident memory after the load, MB", "<= 128",
                      f"{memory(hale.process.pid, 'VmHWM') / 1e6:.1f}")
            measure_start(table, hale)
            measure_size(table, folder)
        finally:
            nginx.end()
            hale.end()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(table.rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
