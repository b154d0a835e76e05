"""CPU time and memory of processes, and the speed of a sync to disk."""

import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """The CPU time of a process with its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid, name="VmRSS"):
    """The resident memory in bytes; `VmHWM` for its maximum so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024


def sync_seconds(folder):
    """The median time to write and sync 4 KiB, in a file of fixed size, as SQLite's WAL is."""
    times = []
    path = Path(folder) / "sync"
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(1 << 20))
        os.fdatasync(file.fileno())
        for index in range(100):
            file.seek(index * 4096)
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(times)


def first_line(*command):
    """The first line that a command prints; empty if it cannot be run."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=Path(__file__).parent)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0] if done.returncode == 0 else ""


def description():
    cores = os.cpu_count()
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {"cores": cores, "processor": model.group(1) if model else "unknown",
            "load": os.getloadavg()[0],
            "nginx": first_line("nginx", "-v"), "wrk": first_line("sh", "-c", "wrk -v; true"),
            "kernel": platform.release(), "commit": first_line("git", "rev-parse", "HEAD"),
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
