"""Whatever connections strangers hold, a fresh client is served, and so are local probes."""

import resource
import time

from hale import envelope, session
from siege import PROBES, Attack, head, quantile, siege, sized

FRESH = ("envelope-1-gzip-fresh", "envelope-30-fresh", "query", *PROBES)


def room():
    """The descriptors that an attacker may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 300


def crowd(start, limited):
    """A service, and more connections than it may have."""
    if sized(False, True):
        return start(), min(10_200, room())
    return limited(1300), 1400


def noted(result, report, attack, recipe):
    fresh = result.honest.latencies("")
    lost = sum(sum(kind.values()) for kind in result.honest.lost.values())
    report(attack, recipe, [
        ("requests of fresh clients refused or lost", "0", str(lost)),
        ("slowest and p99 of fresh clients", "≤ 1 s",
         f"{max(fresh, default=0) / 1000:.2f}, {quantile(fresh, 0.99) / 1000:.2f} s")])


def test_idle_connections(start, limited, report):
    service, count = crowd(start, limited)
    new = sized(50, 200)
    result = siege(
        service, {"connections": count, "again": True, "opening": head("GET", "/healthz")},
        {"connections": 1 << 20, "per_second": new, "again": True, "then": "more"}, kinds=FRESH,
        seconds=sized(4, 30))
    noted(result, report, "b", f"{count:,} idle keep-alive connections, {new} new ones a second")
    result.holds(service)


def test_connections_that_were_accepted_once(start, limited, report):
    """Each has sent an envelope that was answered 200, and idles since."""
    service, count = crowd(start, limited)
    body = envelope(session(release="other@1"))
    opening = head("POST", f"{service.envelope_path()}?sentry_key={service.key}",
                   f"Content-Length: {len(body)}") + body
    result = siege(service, {"connections": count, "again": True, "opening": opening}, kinds=FRESH,
                   seconds=sized(4, 30))
    noted(result, report, "accepted", f"{count:,} connections, idle after an accepted envelope")
    result.holds(service)


def test_honest_idle_clients_stay_when_strangers_crowd(limited):
    """A connection that sent an accepted envelope outlives those of strangers that did not."""
    service = limited(600)
    body = envelope(session(release="kept@1"))
    request = head("POST", f"{service.envelope_path()}?sentry_key={service.key}",
                   f"Content-Length: {len(body)}") + body
    kept = Attack(service, opening=request, connections=50)
    kept.stands()
    strangers = Attack(service, connections=900, again=True)
    strangers.stands(5)
    # The time of the attack; what is promised is seen at its end.
    time.sleep(2)
    closed = kept.counts.get("closed", 0)
    strangers.stop()
    kept.stop()
    assert closed == 0, f"{closed} of 50 honest connections were closed"


def test_a_low_limit_is_logged(limited):
    """A low limit is logged at the start with what it allows, and what it allows is served."""
    service = limited(64)
    assert "descriptor" in service.log(), service.log()
    others = Attack(service, connections=100, again=True)
    others.stands(5)
    for _ in range(3):
        service.send(session())
        assert service.request("GET", "/healthz").status == 200
    others.stop()
