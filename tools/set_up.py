"""Builds a virtual environment from a lock file, showing how far it is.

    python tools/set_up.py .venv requirements.lock --editable .

Standard library only. A lock names every package with the hashes of its files;
wheels alone are installed, so that nobody's build can fail. uv does it where
the machine has it, pip elsewhere. Running it again repairs an environment that
an interrupted run left behind.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence

TRIES = 3
# Written before packages are unpacked, deleted when all of them are.
UNFINISHED = "unfinished-set-up"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", type=pathlib.Path)
    parser.add_argument("lock", type=pathlib.Path)
    parser.add_argument("--editable", help="a project to install as well")
    parser.add_argument(
        "--sources",
        type=pathlib.Path,
        help="a second lock, of packages that no index has wheels of; what "
        "builds them stands in the first one",
    )
    parser.add_argument(
        "--dependencies",
        action="store_true",
        help="the lock has no hashes; install what its packages need as well",
    )
    arguments = parser.parse_args()
    try:
        set_up(arguments)
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again to finish.", file=sys.stderr)
        return 130
    return 0


class SetUpError(Exception):
    """The environment could not be built; the message says why."""


class IndexUnreachable(SetUpError):
    """The package index did not answer."""


class BrokenDownload(SetUpError):
    """A file did not arrive whole: another try may succeed."""


def set_up(arguments: argparse.Namespace) -> None:
    """Builds or repairs the environment."""
    environment, lock = arguments.environment, arguments.lock
    if (environment / UNFINISHED).exists():
        print(f"{environment} is unfinished: building it anew", flush=True)
        shutil.rmtree(environment)
    check_disk(environment, lock)
    # uv knows neither pip's settings nor its way to choose among indexes,
    # which decide what packages without hashes are.
    uv = None if arguments.dependencies else shutil.which("uv")
    try:
        install(arguments, uv)
    except IndexUnreachable:
        if uv is None:
            raise
        print("uv cannot reach a package index: trying pip", flush=True)
        install(arguments, None)


def check_disk(environment: pathlib.Path, lock: pathlib.Path) -> None:
    """Says what will be fetched, and refuses a disk that is too small."""
    # The packages themselves, without comments, hashes and options.
    total = len(re.findall(r"^\w", lock.read_text(), flags=re.MULTILINE))
    sizes = re.search(
        r"^# (\d+) MB to download, (\d+) MB on disk",
        lock.read_text(),
        flags=re.MULTILINE,
    )
    if sizes is None:
        print(f"Installing {lock}: {total} packages", flush=True)
        return
    download, on_disk = map(int, sizes.groups())
    missing = max(on_disk - _megabytes(environment), 0)
    if missing < on_disk:
        print(f"Installing what {environment} lacks of {lock}", flush=True)
    else:
        print(
            f"Installing {lock}: {total} packages, {download} MB to download, "
            f"{on_disk / 1000:.1f} GB in {environment}",
            flush=True,
        )
    # Wheels lie in the temporary directory until they are unpacked.
    places = {environment.absolute().parent: missing}
    temporary = pathlib.Path(tempfile.gettempdir())
    wheels = min(download, missing)
    for place in places:
        if place.stat().st_dev == temporary.stat().st_dev:
            places[place] += wheels
            break
    else:
        places[temporary] = wheels
    for place, needed in places.items():
        free = shutil.disk_usage(place).free // 1_000_000
        if free < needed:
            raise SetUpError(
                f"{lock} needs {needed} MB in {place}, where {free} MB are "
                "free. Free some, or name another disk (TMPDIR for temporary "
                "files)."
            )


def install(arguments: argparse.Namespace, uv: str | None) -> None:
    """Installs the locks, then the project itself."""
    python = create(arguments.environment, with_pip=uv is None)
    # `make` takes a stamp for an environment that is complete.
    for stamp in arguments.environment.glob("*.stamp"):
        stamp.rename(stamp.with_suffix(".held"))
    (arguments.environment / UNFINISHED).touch()
    installer = _pip(python) if uv is None else _uv(uv, python)
    wheels = ["--requirement", str(arguments.lock)]
    if not arguments.dependencies:
        wheels += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    try:
        _run([*installer, *wheels])
    except (IndexUnreachable, BrokenDownload):
        # Nothing is unpacked before everything has arrived.
        _finish(arguments.environment)
        raise
    built_here = ["--no-deps", "--no-build-isolation"]
    if arguments.sources:
        sources = ["--requirement", str(arguments.sources), "--require-hashes"]
        _run([*installer, *built_here, *sources])
    if arguments.editable:
        _run([*installer, *built_here, "--editable", arguments.editable])
    _finish(arguments.environment)


def create(environment: pathlib.Path, with_pip: bool) -> pathlib.Path:
    """Returns the environment's interpreter, creating what is missing.

    An environment of another Python version, or one without a working pip
    where pip is to install, is built anew.
    """
    folder, name = ("Scripts", "python.exe") if _WINDOWS else ("bin", "python")
    python = environment / folder / name
    if not _usable(python, with_pip):
        print(
            f"Creating {environment} with Python {_version()} "
            f"({sys.executable})",
            flush=True,
        )
        shutil.rmtree(environment, ignore_errors=True)
        try:
            venv.create(environment, with_pip=with_pip)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(environment, ignore_errors=True)
            raise SetUpError(
                f"Python's venv module could not create {environment}: "
                f"{error}. On Debian and Ubuntu, install python3-venv."
            ) from error
    return python


def _finish(environment: pathlib.Path) -> None:
    for stamp in environment.glob("*.held"):
        stamp.rename(stamp.with_suffix(".stamp"))
    (environment / UNFINISHED).unlink()


def _pip(python: pathlib.Path) -> list[str]:
    command = [str(python), "-m", "pip", "install", "--no-input"]
    return [*command, "--disable-pip-version-check", "--progress-bar", "off"]


def _uv(uv: str, python: pathlib.Path) -> list[str]:
    # Without the settings of a pyproject.toml, which are for `make lock`.
    return [uv, "pip", "install", "--no-config", "--python", str(python)]


def _run(command: Sequence[str]) -> None:
    """Runs an installer, again where a download broke off."""
    for attempt in range(1, TRIES + 1):
        try:
            return _run_once(command)
        except BrokenDownload:
            if attempt == TRIES:
                raise
            print("  a download broke off: trying again", flush=True)


def _run_once(command: Sequence[str]) -> None:
    output = []
    fetched = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Messages are read below, so they must be in English.
        env={**os.environ, "LC_ALL": "C"},
    ) as process:
        for line in process.stdout:
            output.append(line)
            if line.startswith("Collecting "):
                fetched += 1
                name = line.split()[1]
                _show(f"fetching package {fetched}: {name}", fetched % 10 == 0)
            elif line.startswith("Installing collected") and fetched:
                _show("unpacking, which takes a minute or two\n", True)
            elif line.startswith(("Resolved ", "Prepared ", "Installed ")):
                _show(f"{line.strip()}\n", True)
    if process.returncode:
        raise _failure(output, process.returncode)


def _failure(output: Sequence[str], status: int) -> SetUpError:
    """Returns the error that an installer's output tells of."""
    text = "".join(output)
    if _FULL_DISK.search(text):
        return SetUpError(
            "The disk is full. Free some space, and run it again."
        )
    if _BROKEN.search(text):
        return BrokenDownload(
            f"Downloads broke off {TRIES} times. Run it again: what has "
            "arrived is kept."
        )
    if _UNREACHABLE.search(text):
        return IndexUnreachable(
            f"The package index cannot be reached ({output[-1].strip()}). "
            "Check the network, or name an index that can be (PIP_INDEX_URL, "
            "UV_INDEX_URL), and run it again."
        )
    end = collections.deque(output, maxlen=30)
    return SetUpError(
        f"Installing failed with exit status {status}. The end of what was "
        f"said:\n{''.join(end)}"
    )


def _show(text: str, milestone: bool) -> None:
    """Prints one changing line on a terminal, else the milestones."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {text}", end="", flush=True)
    elif milestone:
        print(f"  {text.rstrip()}", flush=True)


def _usable(python: pathlib.Path, with_pip: bool) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    if with_pip:
        code += "; import pip"
    try:
        answer = subprocess.run(
            [python, "-c", code], capture_output=True, text=True
        )
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == _version()


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _megabytes(directory: pathlib.Path) -> int:
    files = (path.lstat() for path in directory.rglob("*"))
    return sum(file.st_size for file in files) // 1_000_000


_WINDOWS = sys.platform == "win32"
# What pip and uv say, from pip 22 on.
_FULL_DISK = re.compile(r"No space left on device|Errno 28|os error 28")
_UNREACHABLE = re.compile(
    r"Failed to establish a new connection|name resolution|getaddrinfo failed|"
    r"Connection refused|Network is unreachable|No route to host|"
    r"ProxyError|dns error|tcp connect error|ConnectTimeoutError|"
    r"from versions: none",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"IncompleteRead|Connection broken|ReadTimeout|Read timed out|"
    r"DO NOT MATCH THE HASHES|Hash mismatch|ConnectionReset|connection reset|"
    r"RemoteDisconnected|IncompleteMessage|error decoding response body|"
    r"not a zip|BadZipFile|is invalid\.|operation timed out",
    re.IGNORECASE,
)

if __name__ == "__main__":
    sys.exit(main())
