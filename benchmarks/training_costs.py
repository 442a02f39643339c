"""What a second replica and a backup cost.

    python -m benchmarks.training_costs [--starts 7] [--rounds 10]
        [--backup-rounds 3]

The same batch is trained on by one device, and in halves by two logical CPUs
of the same machine under `MirroredStrategy`; two threads in both cases, and
they take turns. How fast a process is also depends on where in memory it came
to lie, so both are started anew some times, and the median of the ratios
counts. A backup of weights and optimizer is written while training
goes on. What it costs is how much longer some steps take with it, as a share
of the minute between two backups.
"""

import argparse
import statistics

from benchmarks import harness

SIZES = ((16, 128), (32, 32))
MODELS = {
    "MiniLM-L6": {"sizes": {}, "steps": 8},
    "BERT-base": {
        "sizes": {
            "num_layers": 12,
            "hidden_dim": 768,
            "intermediate_dim": 3072,
        },
        "steps": 4,
    },
}
SECONDS_BETWEEN = 60.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--backup-rounds", type=int, default=3)
    options = parser.parse_args()
    results = {
        "machine": harness.machine(),
        "starts": options.starts,
        "rounds": options.rounds,
        "backup_rounds": options.backup_rounds,
        "steps": [],
        "backups": [],
    }
    for batch, length in SIZES:
        cell = {"batch": batch, "length": length}
        names = ("one_device", "two_devices")
        starts = []
        for _ in range(options.starts):
            with harness.children("benchmarks.cost_contenders", names) as found:
                timings = harness.compare(found, cell, options.rounds)
            starts.append(
                {name: one.median_seconds for name, one in timings.items()}
            )
        results["steps"].append({**cell, "seconds": starts})
    for name, run in MODELS.items():
        cell = {"batch": 8, "length": 128, **run}
        names = ("steps_alone", "steps_with_backup")
        with harness.children("benchmarks.cost_contenders", names) as found:
            timings = harness.compare(
                found, cell, options.backup_rounds, warm_ups=1
            )
        seconds = {name: one.median_seconds for name, one in timings.items()}
        extra = seconds["steps_with_backup"] - seconds["steps_alone"]
        results["backups"].append(
            {"model": name, "seconds": seconds, "extra_seconds": extra}
        )
    harness.write_result("training_costs", results)
    print(report(results))


def report(results: dict) -> str:
    """Returns the tables of the results."""
    steps = [
        (
            f"{cell['batch']} x {cell['length']}",
            *(
                f"{statistics.median(one[name] for one in cell['seconds']):.3f}"
                for name in cell["seconds"][0]
            ),
            *(f"{ratio:.3f}" for ratio in _ratios(cell["seconds"])),
        )
        for cell in results["steps"]
    ]
    backups = [
        (
            one["model"],
            *(f"{value:.2f}" for value in one["seconds"].values()),
            f"{one['extra_seconds']:.2f}",
            f"{one['extra_seconds'] / SECONDS_BETWEEN:.1%}",
        )
        for one in results["backups"]
    ]
    return "\n\n".join(
        [
            harness.table(
                (
                    "batch x length",
                    "one device, s",
                    "two, s",
                    "ratio",
                    "least",
                    "most",
                ),
                steps,
            ),
            harness.table(
                (
                    "model",
                    "steps, s",
                    "with a backup, s",
                    "more, s",
                    "of a minute",
                ),
                backups,
            ),
        ]
    )


def _ratios(starts: list[dict]) -> tuple[float, float, float]:
    """Returns the median, the least and the most of several starts."""
    found = [one["two_devices"] / one["one_device"] for one in starts]
    return statistics.median(found), min(found), max(found)


if __name__ == "__main__":
    main()
