"""One refresh of a `reader` database, for comparison. Runs in a virtual environment that has `reader` and not us."""

import json
import resource
import sys
import time

from reader import make_reader


def main() -> None:
    database, port, first, count = sys.argv[1], *map(int, sys.argv[2:])
    reader = make_reader(database)
    known = {feed.url for feed in reader.get_feeds()}
    for number in range(first, first + count):
        url = f"http://127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}:{port}/feeds/{number}.xml"
        if url not in known:
            reader.add_feed(url)
    before, started = time.process_time(), time.monotonic()
    reader.update_feeds(workers=10, scheduled=False)
    refresh = time.process_time() - before
    took = time.monotonic() - started
    counts = reader.get_entry_counts()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "refresh_cpu": refresh,
                "process_cpu": usage.ru_utime + usage.ru_stime,
                "seconds": took,
                "peak_mb": usage.ru_maxrss / 1024,
                "entries": counts.total,
            }
        )
    )


if __name__ == "__main__":
    main()
