"""`kill -9` under load, at random moments and repeatedly on the same data.

After each restart every update that was answered 200 is counted once, and `hale verify` finds
nothing wrong.
"""

import random
import sqlite3
import time
from pathlib import Path

from hale import Hale, PATIENCE, row, sessions
from power import Sent, load


def kill_often(folder, kills, seed=1, say=lambda text: None):
    """Returns the number of sessions sent and of updates answered, and what is wrong."""
    numbers = random.Random(seed)
    hale = Hale(Path(folder) / "hale").start()
    sent, wrong = Sent(), []
    try:
        for count in range(1, kills + 1):
            is_over = []
            threads = load(hale, sent, 6, lambda over=is_over: bool(over), count * 100)
            time.sleep(numbers.uniform(0.02, 0.25))
            hale.kill()
            is_over.append(True)
            for thread in threads:
                thread.join(PATIENCE)
            done = hale.cli("verify")
            problem = f"verify: {done.stderr}" if done.returncode != 0 else None
            hale.start()
            # The query folds the pending updates.
            found, wanted = sessions(hale), held(hale)
            problem = problem or check(hale, sent)
            if problem:
                wrong.append((count, problem))
                say(f"kill {count}: {problem}")
            if found != wanted:
                wrong.append((count, f"the API says {found}, the states {wanted}"))
            if count % 50 == 0:
                say(f"{count} kills, {len(wrong)} with a loss")
        # Everything is sent again, and each session counts once.
        payloads = [payload for known in sent.statuses.values() for payload in known]
        numbers.shuffle(payloads)
        with hale.connect() as connection:
            for first in range(0, len(payloads), 90):
                assert Sent().send(connection, hale, payloads[first:first + 90]) == 200
        crashed = sum(any(payload["status"] == "crashed" for payload in known)
                      for known in sent.statuses.values())
        found, wanted = sessions(hale), row(healthy=len(sent.statuses) - crashed, crashed=crashed)
        if found != wanted:
            wrong.append((kills, f"after sending again {found}, wanted {wanted}"))
    finally:
        hale.end()
    return len(sent.statuses), len(sent.answered), wrong


def held(hale):
    """The sessions with a state, by status."""
    names = ("healthy", "errored", "unhandled", "abnormal", "crashed")
    with sqlite3.connect(f"file:{hale.data}/hale.db?mode=ro", uri=True) as database:
        counts = dict(database.execute("SELECT flags & 7, count(*) FROM session GROUP BY 1"))
    database.close()
    return row(**{name: counts.get(number, 0) for number, name in enumerate(names)})


def check(hale, sent):
    """Returns what is wrong with the states; no update must be pending."""
    with sqlite3.connect(f"file:{hale.data}/hale.db?mode=ro", uri=True) as database:
        held = {}
        for sid, flags in database.execute("SELECT sid, flags FROM session"):
            if sid.hex() in held:
                return f"{sid.hex()} is there twice"
            held[sid.hex()] = flags & 7
    database.close()
    for sid, status in sent.answered:
        if held.get(sid, -1) < (4 if status == "crashed" else 0):
            return f"the {status} update of {sid} is lost"
    for sid in held:
        if sid not in sent.statuses:
            return f"{sid} was never sent"
    return None
