"""Queries ClickHouse's engine, in a Python with chdb, and prints one line of JSON.

Arguments: the sessions as `hale-bench raw` wrote them, a folder for the engine."""

import json
import sys
import time

from chdb.session import Session


def main(raw, folder):
    engine = Session(folder)
    # A fitting table for sessions: ordered by time, with statuses and releases as small numbers.
    engine.query("CREATE DATABASE bench ENGINE = Atomic")
    engine.query("""
        CREATE TABLE bench.session (
          started DateTime, release UInt16, environment UInt8, status UInt8, user UInt32, sid UUID)
        ENGINE = MergeTree ORDER BY (started, release)""")
    engine.query(f"""
        INSERT INTO bench.session SELECT * FROM file('{raw}', RowBinary,
          'started DateTime, release UInt16, environment UInt8, status UInt8, user UInt32,
           sid UUID')""")
    engine.query("OPTIMIZE TABLE bench.session FINAL")
    query = """
        SELECT release, status, toStartOfHour(started) AS hour, count() FROM bench.session
        WHERE started > (SELECT max(started) FROM bench.session) - INTERVAL 14 DAY
          AND release IN (SELECT release FROM bench.session
                          GROUP BY release ORDER BY count() DESC LIMIT 29)
        GROUP BY release, status, hour ORDER BY release, status, hour"""
    times = []
    for _ in range(30):
        began = time.perf_counter()
        engine.query(query, "JSON")
        times.append((time.perf_counter() - began) * 1000)
    size, sessions = str(engine.query(
        "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND table = 'session'",
        "CSV")).strip().split(",")
    print(json.dumps({"times": times, "bytes": int(size), "sessions": int(sessions)}))


main(*sys.argv[1:])
