"""What a second replica and a backup cost.

    python -m benchmarks.training_costs [--rounds 15] [--backup-rounds 3]

The same batch is trained on by one device, and in halves by two logical CPUs
of the same machine under `MirroredStrategy`; two threads in both cases, and
they take turns. A backup of weights and optimizer is written while training
goes on. What it costs is how much longer some steps take with it, as a share
of the minute between two backups.
"""

import argparse

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
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--backup-rounds", type=int, default=3)
    options = parser.parse_args()
    results = {
        "machine": harness.machine(),
        "rounds": options.rounds,
        "backup_rounds": options.backup_rounds,
        "steps": [],
        "backups": [],
    }
    for batch, length in SIZES:
        cell = {"batch": batch, "length": length}
        names = ("one_device", "two_devices")
        with harness.children("benchmarks.cost_contenders", names) as found:
            timings = harness.compare(found, cell, options.rounds)
        seconds = {name: one.median_seconds for name, one in timings.items()}
        results["steps"].append({**cell, "seconds": seconds})
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
            *(f"{value:.3f}" for value in cell["seconds"].values()),
            f"{_ratio(cell['seconds']):.3f}",
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
                ("batch x length", "one device, s", "two, s", "ratio"), steps
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


def _ratio(seconds: dict) -> float:
    return seconds["two_devices"] / seconds["one_device"]


if __name__ == "__main__":
    main()
