"""Measures contenders in turns, each in a process of its own.

A contender is a module with `prepare(cell)`, which returns a function that
does the work of the cell once and returns when it is done. Its process calls
`serve(prepare)`; the process that compares calls `compare`, which lets the
contenders work one after another, round after round, so that a busy machine
slows all of them alike. Standard library only: contenders run in different
environments.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
NUM_THREADS = 2
PEERS_PYTHON = "KBZ_PEERS_PYTHON"
GARDEN_PYTHON = "KBZ_GARDEN_PYTHON"
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# As it was before a script imported this project, which turns oneDNN on.
_ENVIRONMENT = dict(os.environ)


@dataclasses.dataclass(frozen=True)
class Timing:
    """What one cell took: seconds by the clock and of all processors."""

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.seconds)

    @property
    def median_cpu_seconds(self) -> float:
        return statistics.median(self.cpu_seconds)


def peers_python() -> str:
    """Returns the interpreter that has PyTorch and transformers."""
    made = ROOT / ".venv-peers" / "bin" / "python"
    return os.environ.get(PEERS_PYTHON, str(made))


def garden_python() -> str:
    """Returns the interpreter that has tf-models-official."""
    made = ROOT / ".venv-garden" / "bin" / "python"
    return os.environ.get(GARDEN_PYTHON, str(made))


def environment(**settings: str) -> dict[str, str]:
    """Returns the variables of a contender's process, and `settings`."""
    return {
        **_ENVIRONMENT,
        "OMP_NUM_THREADS": str(NUM_THREADS),
        "TF_NUM_INTRAOP_THREADS": str(NUM_THREADS),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TOKENIZERS_PARALLELISM": "true",
        **settings,
    }


def shared_directory() -> pathlib.Path:
    """Returns the directory with the data sets."""
    return pathlib.Path(os.environ.get("KBZ_SHARED", ROOT.parent / "shared"))


class Child:
    """A contender's process.

    Args:
        module: str. Module to run, such as `benchmarks.encoder_contenders.x`.
        python: str. Interpreter.
        directory: where the process looks for the module.
        settings: environment variables for this process alone.
    """

    def __init__(
        self,
        module: str,
        python: str = sys.executable,
        directory: os.PathLike = ROOT,
        settings: Mapping[str, str] | None = None,
    ):
        self.module = module
        self._process = subprocess.Popen(
            [python, "-m", module],
            cwd=directory,
            env=environment(**(settings or {})),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request) -> dict:
        """Sends a request, waits for the answer.

        Raises:
            RuntimeError: if the process ended instead of answering.
        """
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(
            f"{self.module} ended with status {self._process.wait()} instead "
            "of answering. Its own message is above."
        )

    def measure(self, cell: Mapping, repeats: int, warm_ups: int = 2) -> Timing:
        answer = self.ask(cell=dict(cell), repeats=repeats, warm_ups=warm_ups)
        return Timing(tuple(answer["seconds"]), tuple(answer["cpu_seconds"]))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_) -> None:
        self.close()


@contextlib.contextmanager
def children(
    package: str,
    names: Sequence[str],
    in_peers: Collection[str] = (),
    in_garden: Collection[str] = (),
) -> Iterator[dict[str, Child]]:
    """Starts contenders by their modules' names.

    A name that ends in `+oneDNN` is the module before that, with TensorFlow's
    oneDNN kernels turned on where the processor leaves them off. Importing
    this project does the same.

    Args:
        package: str. Where the modules are.
        names: the contenders.
        in_peers: modules that run in the peers' environment.
        in_garden: modules that run in that of tf-models-official.
    """
    pythons = dict.fromkeys(in_peers, peers_python())
    pythons.update(dict.fromkeys(in_garden, garden_python()))
    with contextlib.ExitStack() as stack:
        found = {}
        for name in names:
            module, _, onednn = name.partition("+")
            found[name] = stack.enter_context(
                Child(
                    f"{package}.{module}",
                    pythons.get(module, sys.executable),
                    settings={ONEDNN: "1"} if onednn else None,
                )
            )
        yield found


def serve(prepare: Callable[[dict], Callable[[], None]]) -> None:
    """Answers the comparing process until it closes the pipe.

    The function of the latest cell is kept; a new one is called some times,
    as the request says, before it is measured.
    """
    prepared = (None, None)
    for line in sys.stdin:
        request = json.loads(line)
        if request["cell"] != prepared[0]:
            work = prepare(request["cell"])
            for _ in range(request["warm_ups"]):
                work()
            prepared = (request["cell"], work)
        answer = {"seconds": [], "cpu_seconds": []}
        for _ in range(request["repeats"]):
            cpu, clock = time.process_time(), time.perf_counter()
            prepared[1]()
            answer["seconds"].append(time.perf_counter() - clock)
            answer["cpu_seconds"].append(time.process_time() - cpu)
        print(json.dumps(answer), flush=True)


def compare(
    children: Mapping[str, Child],
    cell: Mapping,
    rounds: int,
    repeats: int = 1,
    warm_ups: int = 2,
) -> dict[str, Timing]:
    """Measures one cell: every contender in turn, for some rounds.

    Args:
        children: contenders by name.
        cell: JSON values that say what to do.
        rounds: int. Turns that every contender gets.
        repeats: int. Measurements in a turn.
        warm_ups: int. Calls that are not measured, before the first.
    """
    found = {name: ([], []) for name in children}
    for turn in range(rounds):
        names = list(children)
        for name in names if turn % 2 == 0 else reversed(names):
            timing = children[name].measure(cell, repeats, warm_ups)
            found[name][0].extend(timing.seconds)
            found[name][1].extend(timing.cpu_seconds)
    return {
        name: Timing(tuple(seconds), tuple(cpu_seconds))
        for name, (seconds, cpu_seconds) in found.items()
    }


def machine() -> dict:
    """Returns the processor and what of it matters here."""
    lines = pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    values = dict(
        [part.strip() for part in line.split(":", 1)]
        for line in lines
        if ":" in line
    )
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    flags = values.get("flags", "").split()
    return {
        "processor": values.get("model name", platform.machine()),
        "cores": os.cpu_count(),
        "instructions": [name for name in known if name in flags],
    }


def write_result(name: str, result: Mapping) -> pathlib.Path:
    """Writes `results/NAME.json`, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    temporary = path.with_suffix(".json.part")
    temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    temporary.replace(path)
    return path


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table with columns of one width."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths))
        + " |"
        for line in lines
    )
