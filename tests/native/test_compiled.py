import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kgplan
from kgplan.native.compiled import compiled_folder

INNER = "import numba\n@numba.njit(cache=True)\ndef inner():\n    return {}\n"
OUTER = (
    "import numba\nimport inner\n@numba.njit(cache=True)\ndef outer():\n    return inner.inner()\n"
)
TWICE = (
    "from kgplan.native.compiled import njit\n"
    "@njit(cache=True, nogil=True)\ndef twice(x):\n    return 2 * x\n"
)
TELL = (
    "import json, os, numba, twice\nbefore = dict(os.environ), numba.config.CACHE_DIR\n"
    "answer, stats = twice.twice(21), twice.twice.stats\n"
    "print(json.dumps([answer, stats.cache_path, sum(stats.cache_hits.values())]))\n"
    "assert before == (dict(os.environ), numba.config.CACHE_DIR)\n"
)


def told(folder, command, **environment):
    """What a command prints in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True, text=True, check=True, cwd=folder,
        # Python knows a changed file by its second and size: too coarse for a test
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        | {name: str(value) for name, value in environment.items()},
    ).stdout  # fmt: skip


def test_a_change_of_a_called_function_in_another_file_counts(tmp_path):
    (tmp_path / "outer.py").write_text(OUTER)
    sources = [tmp_path / "outer.py", tmp_path / "inner.py"]
    for value in (1, 2):
        (tmp_path / "inner.py").write_text(INNER.format(value))
        caches = compiled_folder(tmp_path / "caches", sources)
        answer = told(tmp_path, "import outer; print(outer.outer())", NUMBA_CACHE_DIR=caches)
        assert int(answer) == value


WORSE = (
    "import json\nfrom kgplan.native import heap\nanswer = heap.is_worse(2.0, 1, 1.0, 1)\n"
    "hits = sum(heap.is_worse.stats.cache_hits.values())\n"
    "print(json.dumps([heap.__file__, answer, hits]))\n"
)


def test_a_copy_finds_what_is_compiled_and_a_changed_one_does_not(tmp_path):
    package = Path(kgplan.__file__).parent
    for name, expected in (("first", [True, 0]), ("copy", [True, 1]), ("changed", [False, 0])):
        here = tmp_path / name / "kgplan"
        shutil.copytree(package / "native", here / "native")
        for path in package.glob("*.py"):
            shutil.copy(path, here)
        heap = here / "native" / "heap.py"
        if name == "changed":
            heap.write_text(heap.read_text("utf-8").replace("return cost >", "return cost <"))
        found, *answer = json.loads(
            told(tmp_path / name, WORSE, NUMBA_CACHE_DIR=tmp_path / "caches")
        )
        assert (found, answer) == (str(heap), expected)


def test_a_file_without_compiled_functions_does_not_count(tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text("a = 1\n")
    before = compiled_folder(tmp_path, [plain])
    plain.write_text("a = 2\n")
    assert compiled_folder(tmp_path, [plain]) == before


def test_what_is_compiled_is_found_again_where_the_user_keeps_it(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    for place in ({"NUMBA_CACHE_DIR": tmp_path / "a"}, {"XDG_CACHE_HOME": tmp_path / "b"}):
        for hits in (0, 1):
            answer, path, found = json.loads(told(tmp_path, TELL, HOME=tmp_path, **place))
            assert (answer, found) == (42, hits)
            assert path.startswith(str(*place.values()))
            assert "compiled-" in path


def test_what_compiled_functions_take_apart_counts(tmp_path):
    """numba compiles constants and the order of a NamedTuple's fields into those who use them."""
    native = Path(kgplan.__file__).parent / "native"
    layout = tmp_path / "layout.py"
    layout.write_bytes((native / "layout.py").read_bytes())
    before = compiled_folder(tmp_path, [layout])
    layout.write_text(layout.read_text("utf-8").replace("TREE, LOOPY", "LOOPY, TREE"))
    assert compiled_folder(tmp_path, [layout]) != before


SLOWLY = (
    "import sys, time, twice\n"
    "from numba.core.caching import IndexDataCacheFile\n"
    "load = IndexDataCacheFile._load_index\n"
    "def slow(self):\n    found = load(self)\n    time.sleep(.5)\n    return found\n"
    "IndexDataCacheFile._load_index = slow\n"
    "twice.twice(eval(sys.argv[1]))\n"
)  # what stands between reading numba's index and writing it


def test_processes_that_compile_at_once_keep_each_signature_under_its_own_number(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    given = ("21", "21.5", "21 + 1j")
    at_once = [
        subprocess.Popen([sys.executable, "-c", SLOWLY, each], cwd=tmp_path, env=environment)
        for each in given
    ]
    assert [each.wait() for each in at_once] == [0, 0, 0]
    ask = f"import twice; print([twice.twice(x) for x in ({', '.join(given)})]);"
    tell = "print(sum(twice.twice.stats.cache_hits.values()))"
    assert told(tmp_path, ask + tell, HOME=tmp_path) == "[42, 43.0, (42+2j)]\n3\n"


def test_without_compiling_a_function_is_plain_python(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    command = "import twice; print(twice.twice(21), type(twice.twice).__name__)"
    assert told(tmp_path, command, NUMBA_DISABLE_JIT=1) == "42 function\n"


def test_compiled_loops_stand_in_one_room():
    package = Path(kgplan.__file__).parent
    sources = {path: path.read_text("utf-8") for path in package.rglob("*.py")}
    rooms = {
        path.parent.name
        for path, text in sources.items()
        if re.search("import njit|import numba|from numba", text)
    }
    assert rooms == {"native"}


def test_where_nothing_can_be_kept_each_process_compiles(tmp_path):
    (tmp_path / "twice.py").write_text(TWICE)
    (tmp_path / "file").touch()  # no folder can be made below it
    place = {"HOME": tmp_path, "NUMBA_CACHE_DIR": tmp_path / "file" / "cache"}
    for _ in range(2):
        answer, path, found = json.loads(told(tmp_path, TELL, **place))
        assert (answer, found) == (42, 0)
        assert path.startswith(str(tmp_path / "file" / "cache"))
