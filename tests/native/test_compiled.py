import subprocess
import sys
from pathlib import Path

import kgplan
from kgplan.native.compiled import compiled_folder

INNER = "import numba\n@numba.njit(cache=True)\ndef inner():\n    return {}\n"
OUTER = (
    "import numba\nimport inner\n@numba.njit(cache=True)\ndef outer():\n    return inner.inner()\n"
)


def answer(folder, cache):
    """What `outer` returns in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import outer; print(outer.outer())"],
        capture_output=True, text=True, check=True, cwd=folder,
        env={"NUMBA_CACHE_DIR": str(cache), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return int(done.stdout)


def test_a_change_of_a_called_function_in_another_file_counts(tmp_path):
    (tmp_path / "outer.py").write_text(OUTER)
    sources = [tmp_path / "outer.py", tmp_path / "inner.py"]
    for value in (1, 2):
        (tmp_path / "inner.py").write_text(INNER.format(value))
        assert answer(tmp_path, compiled_folder(tmp_path / "caches", sources)) == value


def test_a_file_without_compiled_functions_does_not_count(tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text("a = 1\n")
    before = compiled_folder(tmp_path, [plain])
    plain.write_text("a = 2\n")
    assert compiled_folder(tmp_path, [plain]) == before


def test_compiled_loops_stand_in_one_room():
    package = Path(kgplan.__file__).parent
    sources = {path: path.read_text("utf-8") for path in package.rglob("*.py")}
    rooms = {path.parent.name for path, text in sources.items() if "numba import" in text}
    assert rooms == {"native"}
