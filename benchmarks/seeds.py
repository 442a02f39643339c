"""Runs contenders once for each seed, and keeps each result at once."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence

from benchmarks import harness


def run_all(
    name: str,
    package: str,
    contenders: Mapping[str, Sequence[str]],
    num_seeds: int,
    settings: Mapping,
    *,
    in_peers: Collection[str] = ("pytorch",),
    afresh: bool = False,
    keep: bool = True,
) -> dict:
    """Runs what has not been run yet; started again, it goes on.

    A contender is a module that takes the seed and its own arguments, and
    prints a JSON object last.

    Args:
        name: str. The result's file in `results`.
        package: str. Where the modules are.
        contenders: title -> module and arguments. A seed runs all of them
            before the next one.
        num_seeds: int.
        settings: what the result says of all runs, JSON-able.
        in_peers: modules that run in the peers' environment.
        afresh: bool. Whether earlier runs are forgotten.
        keep: bool. Whether the result is read and written at all.

    Returns:
        `settings` and `runs`: title -> seed -> what the contender printed,
        and `seconds`, what its process took.

    Raises:
        RuntimeError: if earlier runs had other settings.
    """
    results = {**settings, "machine": harness.machine(), "runs": {}}
    earlier = harness.RESULTS / f"{name}.json"
    if earlier.is_file() and keep and not afresh:
        found = json.loads(earlier.read_text("utf-8"))
        changed = [key for key in settings if found.get(key) != settings[key]]
        if changed:
            raise RuntimeError(
                f"{earlier} was made with another {', '.join(changed)}. "
                "Start with --afresh."
            )
        results = found
    for seed in map(str, range(num_seeds)):
        for title, (module, *arguments) in contenders.items():
            runs = results["runs"].setdefault(title, {})
            if seed in runs:
                continue
            python = (
                harness.peers_python() if module in in_peers else sys.executable
            )
            command = [python, "-m", f"{package}.{module}", seed, *arguments]
            start = time.perf_counter()
            done = subprocess.run(
                command,
                cwd=harness.ROOT,
                env={**os.environ, "OMP_NUM_THREADS": str(harness.NUM_THREADS)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            runs[seed] = json.loads(done.stdout.splitlines()[-1])
            runs[seed]["seconds"] = round(time.perf_counter() - start)
            if keep:
                harness.write_result(name, results)
    return results


def table(results: dict, measures: Sequence[str]) -> str:
    """Returns a table with all values, means and deviations.

    Args:
        results: what `run_all` returned.
        measures: keys of what some contenders printed.
    """
    rows = []
    for title, runs in results["runs"].items():
        for measure in measures:
            found = [run[measure] for run in runs.values() if measure in run]
            if not found:
                continue
            spread = statistics.stdev(found) if len(found) > 1 else 0.0
            rows.append(
                (
                    title,
                    measure,
                    ", ".join(f"{value:.2f}" for value in found),
                    f"{statistics.mean(found):.2f}",
                    f"{spread:.2f}",
                )
            )
    header = ("contender", "measure", "each seed", "mean", "deviation")
    return harness.table(header, rows)
