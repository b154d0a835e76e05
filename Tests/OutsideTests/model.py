"""The model: the expected numbers of Hale, computed only from the updates that were sent.

It follows the documentation, not the program. A session is one release, environment, sid and
`started`. An update can only raise a session's state. If corrected starts differ, the earliest
counts. A user counts under the worst of their sessions. The duration of an exited session is the
longest that one of its updates reports."""

import datetime
from collections import defaultdict

from hale import STATUSES, days, minutes, row, seconds

RANK = {status: rank for rank, status in enumerate(STATUSES)}
DRIFT_MIN = minutes(55)
AGE_MAX = days(5)
FUTURE_MAX = seconds(60)
NO_TIME = datetime.timedelta()


def worst_of(statuses):
    return max(statuses, key=RANK.get)


def severity(update):
    """The severity of a single update."""
    status = update.get("status") or "ok"
    if status in ("unhandled", "abnormal", "crashed"):
        return status
    if status not in ("ok", "exited"):
        return "errored"
    return "errored" if (update.get("errors") or 0) > 0 else "healthy"


def is_user(did):
    return did is not None and did.replace("-", "") != "0" * 32


def corrected(start, received, sent_at):
    """The start after the correction of drift; None if it is rejected for its age."""
    drift = received - sent_at if sent_at else NO_TIME
    if abs(drift) >= DRIFT_MIN:
        start += drift
    age = received - start
    return None if age > AGE_MAX or -age > FUTURE_MAX else start


class Session:
    """All updates of one session."""

    def __init__(self, release, environment):
        self.scope = {"release": release, "environment": environment or ""}
        self.begun = None
        self.severities, self.users, self.mechanisms = set(), set(), set()
        self.has_exited, self.durations = False, []

    def take(self, update, begun):
        self.begun = min(self.begun or begun, begun)
        self.severities.add(severity(update))
        if is_user(update.get("did")):
            self.users.add(update["did"])
        if update.get("status") == "abnormal" and update.get("abnormal_mechanism"):
            self.mechanisms.add(update["abnormal_mechanism"])
        self.has_exited |= update.get("status") == "exited"
        if update.get("duration") is not None:
            self.durations.append(update["duration"])

    @property
    def lasted(self):
        """The duration in milliseconds; None if it is unknown."""
        return [round(max(self.durations) * 1000)] if self.has_exited and self.durations else []

    @property
    def counts(self):
        return row(**{worst_of(self.severities): 1})

    @property
    def severity_of_users(self):
        return worst_of(self.severities)


class Bucket:
    """A bucket of session aggregates."""

    mechanisms = frozenset()
    lasted = ()

    def __init__(self, release, environment, begun, counts, did):
        self.scope = {"release": release, "environment": environment or ""}
        self.begun = begun
        self.counts = row(**counts)
        self.users = {did} if is_user(did) and any(counts.values()) else set()

    @property
    def severity_of_users(self):
        return worst_of(status for status, count in self.counts.items() if count)


class Model:
    """Keeps every update, and computes numbers from them when needed."""

    def __init__(self):
        self.updates = []
        self.buckets = []

    def add(self, update, start, sid, begun=None):
        """`start` and `sid` are the values behind the update's text, which may vary. `begun` is
        the corrected start, if it differs."""
        attrs = update["attrs"]
        key = (attrs["release"], attrs.get("environment"), sid, start)
        self.updates.append((key, update, begun or start))

    def add_bucket(self, release, environment, begun, counts, did=None):
        self.buckets.append(Bucket(release, environment, begun, counts, did))

    def _all(self, within, where=None):
        """Sessions and buckets that begin in the range (start, end) and match `where`."""
        found = {}
        for key, update, begun in self.updates:
            found.setdefault(key, Session(*key[:2])).take(update, begun)
        every = list(found.values()) + self.buckets
        return [one for one in every
                if (not within or within[0] <= one.begun < within[1])
                and (not where or where(**one.scope))]

    def sessions_by(self, *group, within=None, where=None):
        table = defaultdict(row)
        for one in self._all(within, where):
            counts = table[_key(one.scope, group)]
            for status, count in one.counts.items():
                counts[status] += count
        return {key: counts for key, counts in table.items() if any(counts.values())}

    def _users(self, group, within, where=None):
        """{group: {user: (severities, mechanisms)}}."""
        table = defaultdict(lambda: defaultdict(lambda: (set(), set())))
        for one in self._all(within, where):
            for user in one.users:
                severities, mechanisms = table[_key(one.scope, group)][user]
                severities.add(one.severity_of_users)
                mechanisms.update(one.mechanisms)
        return table

    def users_by(self, *group, within=None, where=None):
        table = {}
        for key, users in self._users(group, within, where).items():
            counts = table[key] = row()
            for severities, _ in users.values():
                counts[worst_of(severities)] += 1
        return table

    def user_rates(self, *group):
        """Rates of the users with at least one such session."""
        table = {}
        for key, users in self._users(group, None).items():
            seen = list(users.values())
            share = {
                "abnormal_rate(user)": sum("abnormal" in kinds for kinds, _ in seen),
                "unhandled_rate(user)": sum("unhandled" in kinds for kinds, _ in seen),
                "anr_rate()": sum(bool(anrs) for _, anrs in seen),
                "foreground_anr_rate()": sum("anr_foreground" in anrs for _, anrs in seen),
            }
            table[key] = {field: count / len(seen) for field, count in share.items()}
            failed = sum(bool({"crashed", "unhandled"} & set(kinds)) for kinds, _ in seen)
            table[key]["failure_free_rate(user)"] = 1 - failed / len(seen)
        return table

    def durations_by(self, *group, where=None):
        """{group: {field: milliseconds}}: of n sorted durations, the one at place (n - 1) · p;
        between two places in proportion."""
        table = defaultdict(list)
        for one in self._all(None, where):
            table[_key(one.scope, group)].extend(one.lasted)
        found = {}
        for key, durations in table.items():
            durations.sort()
            count = len(durations)
            if not count:
                continue
            values = {}
            for percent in (50, 75, 90, 95, 99):
                place, rest = divmod((count - 1) * percent, 100)
                below, above = durations[place], durations[min(place + 1, count - 1)]
                values[f"p{percent}"] = below + (above - below) * rest / 100
            values |= {"avg": sum(durations) / count, "max": durations[-1]}
            found[key] = {f"{name}(session.duration)": value for name, value in values.items()}
        return found


def _key(scope, group):
    return tuple(scope[name] for name in group)
