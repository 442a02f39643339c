"""Builds a virtual environment from a lock file, showing how far it is.

    python tools/set_up.py .venv requirements.lock --editable .

It needs nothing but the standard library. A lock names every package, so pip
is told to follow no dependency unless `--dependencies` is given. Running it
again repairs an environment that an interrupted run left behind.
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import venv


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", type=pathlib.Path)
    parser.add_argument("lock", type=pathlib.Path)
    parser.add_argument("--editable", help="a project to install as well")
    parser.add_argument(
        "--dependencies",
        action="store_true",
        help="install what the lock's packages need as well",
    )
    arguments = parser.parse_args()
    try:
        python = create(arguments.environment)
        install(
            python, arguments.lock, arguments.editable, arguments.dependencies
        )
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to finish.", file=sys.stderr)
        return 130
    return 0


class SetUpError(Exception):
    """The environment could not be built; the message says why."""


def create(environment: pathlib.Path) -> pathlib.Path:
    """Returns the environment's interpreter, creating what is missing.

    An environment of another Python version, or one without a working pip,
    is built anew.
    """
    folder, name = ("Scripts", "python.exe") if _WINDOWS else ("bin", "python")
    python = environment / folder / name
    if not _usable(python):
        print(
            f"Creating {environment} with Python {_version()} "
            f"({sys.executable})",
            flush=True,
        )
        shutil.rmtree(environment, ignore_errors=True)
        try:
            venv.create(environment, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(environment, ignore_errors=True)
            raise SetUpError(
                f"Python's venv module could not create {environment}: "
                f"{error}. On Debian and Ubuntu, install python3-venv."
            ) from error
    return python


def install(
    python: pathlib.Path,
    lock: pathlib.Path,
    editable: str | None,
    dependencies: bool,
) -> None:
    """Installs what the lock names, then the project itself."""
    # The packages themselves, without comments and continuation lines.
    total = len(re.findall(r"^\w", lock.read_text(), flags=re.MULTILINE))
    print(f"Installing {lock}: up to {total} packages", flush=True)
    arguments = ["--requirement", str(lock)]
    if not dependencies:
        arguments.append("--no-deps")
    _run_pip(python, arguments, total)
    if editable:
        arguments = ["--no-deps", "--no-build-isolation", "--editable"]
        _run_pip(python, [*arguments, editable], total=1)


def _run_pip(python: pathlib.Path, arguments: list[str], total: int) -> None:
    command = [str(python), "-m", "pip", "install"]
    command += ["--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", *arguments]
    tail = collections.deque(maxlen=30)
    fetched = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            tail.append(line)
            if line.startswith("Collecting "):
                fetched += 1
                name = line.split()[1]
                _show(f"fetching {fetched}/{total}: {name}", fetched % 10 == 0)
            elif line.startswith("Installing collected") and fetched:
                _show("unpacking, which takes a minute or two\n", True)
    if process.returncode:
        raise SetUpError(
            f"pip failed with exit status {process.returncode}. The end of "
            f"what it said:\n{''.join(tail)}"
        )


def _show(text: str, milestone: bool) -> None:
    """Prints one changing line on a terminal, else the milestones."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {text}", end="", flush=True)
    elif milestone:
        print(f"  {text.rstrip()}", flush=True)


def _usable(python: pathlib.Path) -> bool:
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        found = subprocess.run(
            [python, "-c", code], capture_output=True, text=True
        )
    except OSError:
        return False
    return found.returncode == 0 and found.stdout.strip() == _version()


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


_WINDOWS = sys.platform == "win32"

if __name__ == "__main__":
    sys.exit(main())
