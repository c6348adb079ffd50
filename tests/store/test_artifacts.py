import json
import os
import subprocess
import sys

import numpy as np
import pytest

from kgplan.errors import ArtifactDamaged, ArtifactMissing
from kgplan.store.artifacts import ArtifactStore, Aside, sweep_abandoned


def write(store, value=0.0, config=None, inputs=None):
    with store.draft("embedding", config or {}, inputs or {}) as draft:
        draft.put(vectors=np.full((2, 3), value))
    return draft.finished()


def test_the_same_work_is_the_same_version(tmp_path):
    one, other = ArtifactStore(tmp_path / "one"), ArtifactStore(tmp_path / "other")
    assert write(one).version == write(one).version == write(other).version
    assert one.versions("embedding") == [write(one).version]


@pytest.mark.parametrize(
    "change", [{"value": 1.0}, {"config": {"seed": 1}}, {"inputs": {"graph": "x"}}]
)
def test_other_content_configuration_or_input_is_another_version(tmp_path, change):
    store = ArtifactStore(tmp_path)
    assert write(store).version != write(store, **change).version


def test_a_new_version_is_used_only_after_the_switch_and_the_old_one_stays(tmp_path):
    store = ArtifactStore(tmp_path)
    old = write(store)
    store.switch(old)
    new = write(store, value=1.0)
    assert store.current("embedding").version == old.version
    store.switch(new)
    assert store.current("embedding").array("vectors")[0, 0] == 1
    assert set(store.versions("embedding")) == {old.version, new.version}
    store.remove("embedding", old.version)
    assert store.versions("embedding") == [new.version]
    with pytest.raises(ArtifactMissing, match="unused embedding"):
        store.remove("embedding", new.version)


def test_an_error_while_writing_leaves_nothing(tmp_path):
    store = ArtifactStore(tmp_path)

    def fail_half_way():
        with store.draft("embedding", {}, {}) as draft:
            draft.put(vectors=np.zeros(3))
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()
    assert store.versions("embedding") == []
    assert list((tmp_path / ".drafts").iterdir()) == []


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path):
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path\n"
            "from kgplan.store.artifacts import ArtifactStore\n"
            "with ArtifactStore(Path(sys.argv[1])).draft('embedding', {}, {}):\n"
            "    os.kill(os.getpid(), 9)",
            str(tmp_path),
        ],
        check=False,
    )
    assert killed.returncode == -9
    assert len(list((tmp_path / ".drafts").iterdir())) == 1
    write(ArtifactStore(tmp_path))
    assert list((tmp_path / ".drafts").iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: f.write_bytes(f.read_bytes()[:-8]), "is not what was written"),
        (lambda f: f.write_bytes(f.read_bytes()[:-1] + b"x"), "is not what was written"),
        (lambda f: f.unlink(), "lacks its file vectors.npy"),
        (lambda f: (f.parent / "manifest.json").write_text("{"), "no readable manifest"),
        (lambda f: (f.parent / "manifest.json").unlink(), "no readable manifest"),
    ],
)
def test_a_damaged_artifact_is_refused_with_a_way_out_and_mended_by_running_again(
    tmp_path, damage, says
):
    store = ArtifactStore(tmp_path)
    made = write(store)
    store.switch(made)
    os.chmod(made.path, 0o755)
    damage(made.path / "vectors.npy")
    with pytest.raises(ArtifactDamaged, match=says) as refused:
        store.current("embedding")
    assert "run `kgplan embed` again" in str(refused.value)
    write(store)
    assert store.current("embedding").array("vectors").shape == (2, 3)


@pytest.mark.parametrize("manifest", ["[]", "7", "null", "\udcff", '{"files": []}', '{"files": 3}'])
def test_an_odd_manifest_is_a_damaged_artifact(tmp_path, manifest):
    store = ArtifactStore(tmp_path)
    made = write(store)
    store.switch(made)
    content = manifest.encode(errors="surrogateescape")
    (made.path / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactDamaged, match="no readable manifest"):
        store.current("embedding")


@pytest.mark.parametrize(
    "change", [{"config": {"seed": 8}}, {"inputs": {}}, {"config": []}, {"metrics": 5}]
)
def test_a_manifest_that_was_changed_is_seen_by_the_versions_name(tmp_path, change):
    store = ArtifactStore(tmp_path)
    made = write(store, config={"seed": 7}, inputs={"graph": "abc"})
    manifest = json.loads((made.path / "manifest.json").read_text())
    (made.path / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(ArtifactDamaged, match="no readable manifest"):
        store.open("embedding", made.version)


@pytest.mark.parametrize("name", ["current.json", "history.json"])
@pytest.mark.parametrize(
    "content", ["", "{", "5", '"x"', "[3]", '[{"at": 5}]', '{"a": []}', "\udcff"]
)
def test_odd_notes_of_what_is_in_use_are_one_sentence(tmp_path, name, content):
    store = ArtifactStore(tmp_path)
    store.switch(write(store))
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ArtifactDamaged, match=f"{name} is not .*; remove it"):
        store.history()


def test_an_array_is_whole_or_refused_when_it_is_read(tmp_path):
    """What changes after the artifact was opened is seen too."""
    store = ArtifactStore(tmp_path)
    for dtype in (np.float64, np.int32, bool, "<U5"):
        for order in "CF":
            array = np.arange(6).reshape(2, 3).astype(dtype, order=order)
            with store.draft("embedding", {"dtype": str(dtype), "order": order}, {}) as draft:
                draft.put(vectors=array, nothing=array[:0])
            made = draft.finished()
            read = made.array("vectors")
            assert (read.dtype, read.tolist()) == (array.dtype, array.tolist())
            assert made.array("nothing").shape == (0, 3)
            assert not read.flags.writeable
    file = made.path / "vectors.npy"
    content = file.read_bytes()
    for harm in (content[:-1] + b"?", b"", content + b"?"):
        file.write_bytes(harm)
        with pytest.raises(ArtifactDamaged, match="is not what was written"):
            made.array("vectors")
    file.unlink()
    with pytest.raises(ArtifactDamaged, match="cannot be read"):
        made.array("vectors")
    assert read.tolist() == array.tolist()  # in memory of its own


def test_results_are_the_owners_only(tmp_path):
    store = ArtifactStore(tmp_path)
    (tmp_path / "embedding").mkdir(mode=0o755)
    made = write(store)
    for folder in (made.path, made.path.parent):
        assert folder.stat().st_mode & 0o077 == 0


def test_what_was_never_made_says_how_to_make_it(tmp_path):
    with pytest.raises(
        ArtifactMissing, match="no diagnosis artifact yet; run `kgplan diagnose` first"
    ):
        ArtifactStore(tmp_path).current("diagnosis")


def test_the_manifest_tells_how_it_was_made(tmp_path):
    made = write(ArtifactStore(tmp_path), config={"seed": 7}, inputs={"graph": "abc"})
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert (manifest["config"], manifest["inputs"]) == ({"seed": 7}, {"graph": "abc"})
    assert manifest["packages"]["numpy"] == np.__version__


def test_switching_several_kinds_is_one_step(tmp_path):
    store = ArtifactStore(tmp_path)
    one = write(store)
    with store.draft("similarity", {}, {}) as draft:
        draft.put(bounds=np.zeros(4))
    store.switch(one, draft.finished())
    assert set(store.in_use()) == {"embedding", "similarity"}


def test_a_draft_is_its_writers_as_long_as_it_holds_the_lock_whatever_its_process_id(
    tmp_path, monkeypatch
):
    """Another container sees no process of this one."""

    def unknown(pid, signal):
        raise ProcessLookupError

    store = ArtifactStore(tmp_path)
    (tmp_path / ".drafts").mkdir()
    (tmp_path / ".drafts" / "README").write_text("nobody's draft")
    with store.draft("embedding", {}, {}) as draft:
        monkeypatch.setattr(os, "kill", unknown)
        sweep_abandoned(tmp_path / ".drafts")
        write(ArtifactStore(tmp_path), value=1.0)
        draft.put(vectors=np.zeros((2, 3)))
    assert len(store.versions("embedding")) == 2
    assert [each.name for each in (tmp_path / ".drafts").iterdir()] == ["README"]


def test_what_a_result_in_use_was_made_from_is_not_removed(tmp_path):
    store = ArtifactStore(tmp_path)
    old, new = write(store), write(store, value=1.0)
    with store.draft("similarity", {}, {"embedding": old.version}) as draft:
        draft.put(numbers=np.zeros(1))
    store.switch(new, draft.finished())
    with pytest.raises(ArtifactMissing, match="unused embedding"):
        store.remove("embedding", old.version)
    with store.draft("similarity", {}, {"embedding": new.version}) as draft:
        draft.put(numbers=np.zeros(1))
    store.switch(draft.finished())
    store.remove("embedding", old.version)
    assert store.versions("embedding") == [new.version]


def test_a_part_of_what_was_made_aside_may_stay_aside(tmp_path):
    store = ArtifactStore(tmp_path)
    aside = Aside(store)
    for kind in ("tables", "records"):
        with aside.draft(kind, {}, {}) as draft:
            draft.put(numbers=np.zeros(1))
        aside.switch(draft.finished())
    aside.commit(but={"records"})
    assert set(store.in_use()) == {"tables"}
    assert store.versions("records") == [aside.in_use()["records"]]
