"""Builds a virtual environment from a lock file, showing how far it is.

    python tools/set_up.py .venv requirements.lock --editable .

Standard library only. A lock names every package with the hashes of its files;
wheels alone are installed, so that nobody's build can fail. uv does it where
the machine has it, pip elsewhere. Running it again repairs an environment that
an interrupted run left behind.
"""

import argparse
import collections
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from collections.abc import Sequence

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TRIES = 3
# Written before anything else, deleted when everything is installed.
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
    # Neither venv nor rmtree follows a link.
    if arguments.environment.is_symlink():
        arguments.environment = arguments.environment.resolve()
    try:
        with alone(existing(arguments.environment.absolute().parent)):
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


class NoCache(SetUpError):
    """uv has nowhere to write its cache, which pip does without."""


class BrokenDownload(SetUpError):
    """A file did not arrive whole: another try may succeed."""

    def __init__(self, message: str, fetched: int):
        super().__init__(message)
        self.fetched = fetched


def set_up(arguments: argparse.Namespace) -> None:
    """Builds or repairs the environment."""
    environment, lock = arguments.environment, arguments.lock
    if (environment / UNFINISHED).exists():
        print(f"{environment} is unfinished: building it anew", flush=True)
        discard(environment)
    check_disk(environment, lock)
    # uv knows neither pip's settings nor its way to choose among indexes,
    # which decide what packages without hashes are.
    uv = None if arguments.dependencies else shutil.which("uv")
    try:
        install(arguments, uv)
    except (IndexUnreachable, NoCache) as error:
        if uv is None:
            raise
        cannot = "reach a package index"
        if isinstance(error, NoCache):
            cannot = "write its cache"
        print(f"uv cannot {cannot}: trying pip", flush=True)
        install(arguments, None)


@contextlib.contextmanager
def alone(directory: pathlib.Path) -> Iterator[None]:
    """Waits until no other run builds an environment in the directory.

    The installers inherit the lock, so one that outlives a killed run counts.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another set-up in {directory}", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def existing(directory: pathlib.Path) -> pathlib.Path:
    """Returns the directory, or the nearest one above it that exists."""
    return next(d for d in (directory, *directory.parents) if d.is_dir())


def discard(environment: pathlib.Path) -> None:
    """Deletes the environment, the mark of an unfinished one last."""
    if not environment.exists():
        return
    for path in environment.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != UNFINISHED:
            path.unlink()
    shutil.rmtree(environment)


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
    places = {existing(environment.absolute().parent): missing}
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

    An environment of another Python version, or one whose pip does not work
    where pip is to install, is built anew. One that uv built gets pip.
    """
    folder, name = ("Scripts", "python.exe") if _WINDOWS else ("bin", "python")
    python = environment / folder / name
    if with_pip and _usable(python, with_pip=False):
        subprocess.run([python, "-Im", "ensurepip"], capture_output=True)
    if not _usable(python, with_pip):
        _check_replaceable(environment)
        print(
            f"Creating {environment} with Python {_version()} "
            f"({sys.executable})",
            flush=True,
        )
        discard(environment)
        try:
            environment.mkdir(parents=True)
            (environment / UNFINISHED).touch()
            venv.create(environment, with_pip=with_pip)
        # The path separator in a path is a ValueError.
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            shutil.rmtree(environment, ignore_errors=True)
            said = f"{error} {getattr(error, 'output', '')}"
            if _FULL_DISK.search(said):
                raise _full_disk() from error
            hint = "On Debian and Ubuntu, install python3-venv."
            if isinstance(error, ValueError):
                hint = "Name another directory (make VENV=DIR)."
            raise SetUpError(
                f"Python's venv module could not create {environment}: "
                f"{str(error).rstrip('.')}. {hint}"
            ) from error
    return python


def _check_replaceable(environment: pathlib.Path) -> None:
    """Refuses to delete what is no environment."""
    if not environment.exists():
        return
    if environment.is_dir():
        names = {path.name for path in environment.iterdir()}
        if not names or names & {"pyvenv.cfg", UNFINISHED}:
            return
    raise SetUpError(
        f"The environment must be new or one of Python's: {environment} is "
        "something else. Move it away, or name another directory (make "
        "VENV=DIR)."
    )


def _full_disk() -> SetUpError:
    return SetUpError("The disk is full. Free some space, and run it again.")


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
    """Runs an installer, again where a download broke off.

    A run that got further than the ones before it does not count as a try.
    """
    tries, most = 0, 0
    while True:
        try:
            return _run_once(command)
        except BrokenDownload as error:
            tries = 1 if error.fetched > most else tries + 1
            most = max(most, error.fetched)
            if tries >= TRIES:
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
        close_fds=False,
        env=_environ(),
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
        raise _failure(output, process.returncode, fetched)


def _environ() -> dict[str, str]:
    """Returns the caller's environment less what installs elsewhere."""
    kept = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE}
    # Messages are read, so they must be in English. A pip.conf may say `user`.
    return {**kept, "LC_ALL": "C", "PIP_USER": "0"}


def _failure(output: Sequence[str], status: int, fetched: int) -> SetUpError:
    """Returns the error that an installer's output tells of."""
    # pip warns of a broken connection where it found none at all.
    errors = (line for line in output if not line.startswith(_RETRYING))
    text = "".join(errors)
    if _FULL_DISK.search(text):
        return _full_disk()
    if "Failed to initialize cache" in text:
        return NoCache("uv cannot write its cache. Set UV_CACHE_DIR.")
    if _BROKEN.search(text):
        return BrokenDownload(
            f"Downloads broke off {TRIES} times, or are not what the lock has "
            "the hashes of. Run it again: what has arrived is kept.",
            fetched,
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


# What would put packages into another place than the environment, take them
# from one, or refuse those without hashes.
_ELSEWHERE = {
    "PIP_PREFIX",
    "PIP_REQUIRE_HASHES",
    "PIP_ROOT",
    "PIP_TARGET",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_REQUIRE_HASHES",
}
_RETRYING = "WARNING: Retrying "
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
