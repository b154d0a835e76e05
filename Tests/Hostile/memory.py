"""The memory of a service: of its process, and of its sockets in the kernel.

The kernel accounts each socket's buffers to that socket (`sock_diag(7)`, INET_DIAG_SKMEMINFO):
received and unread data, data queued to be sent or not acknowledged yet, and what is reserved
beside. Both ends of a loopback connection are listed; those whose local port is the service's are
its own, also the ones that wait to be accepted. What attackers hold on their ends is not counted.
"""

import re
import socket
import struct
import threading
from pathlib import Path

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
REQUEST_DUMP = 0x301
INET_DIAG_SKMEMINFO = 7
NLMSG_ERROR, NLMSG_DONE = 2, 3
MB = 1_000_000


def _messages():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
        body = struct.pack("=BBBBI48x", socket.AF_INET, socket.IPPROTO_TCP,
                           1 << (INET_DIAG_SKMEMINFO - 1), 0, 0xffffffff)
        link.sendall(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
                     + body)
        while True:
            data = link.recv(1 << 20)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError("sock_diag is not there")
                yield data[16:length]
                data = data[(length + 3) & ~3:]


def kernel_bytes(port):
    """The bytes that the kernel holds for the sockets of a port, and their number."""
    total = count = 0
    for message in _messages():
        if struct.unpack_from(">H", message, 4)[0] != port:
            continue
        count += 1
        at = 72
        while at + 4 <= len(message):
            length, kind = struct.unpack_from("=HH", message, at)
            if kind == INET_DIAG_SKMEMINFO:
                # What is reserved is below zero while more is used than was reserved.
                received, _, _, _, reserved, queued = struct.unpack_from("=4IiI", message, at + 4)
                total += max(0, received + reserved + queued)
            at += (max(length, 4) + 3) & ~3
    return total, count


class Watch(threading.Thread):
    """Notes the largest memory of a service while it runs."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service = service
        self.over = threading.Event()
        self.process = self.kernel = self.sockets = 0
        # The largest resident set is that since now.
        Path(f"/proc/{service.process.pid}/clear_refs").write_text("5")

    def run(self):
        while not self.over.wait(0.1):
            self.sample()

    def sample(self):
        held, count = kernel_bytes(self.service.port)
        self.kernel = max(self.kernel, held / MB)
        self.sockets = max(self.sockets, count)
        try:
            status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
        if found:
            self.process = max(self.process, int(found.group(1)) * 1024 / MB)

    def stop(self):
        self.over.set()
        self.join()
        self.sample()
