"""Resolves the locks anew and measures them: what `make lock` runs.

    .venv-lock/bin/python tools/lock.py

Needs `uv`, and a package index. Each lock pins every package with the hashes
of its files, and says in its head what it costs on Linux x86-64 with Python
3.11: the megabytes to download, and those on the disk, counted by installing.
"""

import pathlib
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).parents[1]
UV = pathlib.Path(sys.executable).parent / "uv"
FIRST = "requirements-test.lock"
# The extras in each lock.
LOCKS = {
    FIRST: ("test",),
    "requirements.lock": ("minilm",),
    "requirements-gpu.lock": ("minilm", "gpu"),
    "benchmarks/peers/beam.lock": ("test", "beam"),
}
# Of these the versions are those of the first. Beam wants older ones.
ALIKE = ("requirements.lock", "requirements-gpu.lock")
GARDEN = "benchmarks/peers/garden.lock"
OPTIONS = (
    *("--quiet", "--universal", "--no-annotate", "--generate-hashes"),
    *("--fork-strategy", "fewest", "--python-version", "3.11"),
    *("--custom-compile-command", "make lock"),
)
PLATFORM = ("--python-version", "3.11", "--python-platform", "linux")


def main() -> None:
    for name, extras in LOCKS.items():
        resolve(name, extras, FIRST if name in ALIKE else None)
        say_size(name)
    # Two of its packages have no wheels: benchmarks/peers/sources.lock.
    run(
        *("pip", "compile", *OPTIONS),
        *("--no-emit-package", "promise", "--no-emit-package", "seqeval"),
        *("--no-config", "--output-file", GARDEN),
        GARDEN.replace(".lock", ".in"),
    )
    say_size(GARDEN)


def resolve(name: str, extras: tuple[str, ...], first: str | None) -> None:
    """Writes a lock for every platform, of packages that have wheels."""
    command = ["pip", "compile", *OPTIONS, "--only-binary", ":all:"]
    for extra in extras:
        command += ["--extra", extra]
    if first:
        command += ["--constraints", first]
    run(*command, "--output-file", name, "pyproject.toml")


def say_size(name: str) -> None:
    """Writes into the head of a lock what its packages cost."""
    download, on_disk = measure(name)
    print(f"{name}: {download} MB to download, {on_disk} MB on disk")
    path = ROOT / name
    path.write_text(
        f"# {download} MB to download, {on_disk} MB on disk on Linux x86-64.\n"
        f"{path.read_text()}"
    )


def measure(name: str) -> tuple[int, int]:
    """Returns megabytes to download and megabytes on disk."""
    with tempfile.TemporaryDirectory() as directory:
        wheels = pathlib.Path(directory, "pylock.toml")
        command = ["pip", "compile", "--quiet", "--no-deps", *PLATFORM]
        command += ["--format", "pylock.toml", "--only-binary", ":all:"]
        run(*command, "--output-file", str(wheels), name)
        packages = tomllib.loads(wheels.read_text())["packages"]
        download = sum(package["wheels"][0]["size"] for package in packages)
        target = pathlib.Path(directory, "packages")
        command = ["pip", "install", "--quiet", "--no-deps", *PLATFORM]
        command += ["--only-binary", ":all:", "--target", str(target)]
        run(*command, "--no-config", "--compile-bytecode", "-r", name)
        files = (path.lstat() for path in target.rglob("*"))
        on_disk = sum(file.st_size for file in files)
    return download // 1_000_000, on_disk // 1_000_000


def run(*command: str) -> None:
    subprocess.run([UV, *command], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
