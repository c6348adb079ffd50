"""Archives of odd shapes, and archives that change."""

import os
import zipfile

import miniature
import pytest

from kgplan.errors import SourceError
from kgplan.etl.archive import unchanged
from kgplan.etl.sources import open_source
from kgplan.etl.sources.mooccube import FILES, SOURCE
from kgplan.etl.stages import run_etl
from kgplan.store.artifacts import ArtifactStore

PAIRS = "relations/user-video.json"
JUNK = ("entities/._concept.json", "relations/.DS_Store", "._items.csv")
"""What macOS leaves beside files."""


def zip_of(path, rename):
    """A zip of the miniature under other names of its members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in miniature.MINI.items():
            content = b"".join(miniature.as_line(row) + b"\n" for row in rows)
            member = zipfile.ZipInfo("x")
            member.filename = rename(name)  # as it is: the class would turn some separators
            archive.writestr(member, content)
        for junk in ("__MACOSX/a/b/entities/concept.json", "__MACOSX/a/._b", *JUNK):
            archive.writestr(junk, b"\0\5\x16\7")
    return path


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("/", "\\"),
        lambda name: "MOOCCube\\" + name.replace("/", "\\"),
        lambda name: "a\\b/" + name,
        lambda name: f"a/b/c/{name}",
    ],
)
def test_a_zip_is_read_whatever_separates_and_surrounds_its_folders(tmp_path, rename):
    with open_source(zip_of(tmp_path / "odd.zip", rename), SOURCE) as source:
        assert source.paths == set(miniature.MINI)
        assert not any(name.endswith(JUNK) or "MACOSX" in name for name in source.whole.paths)
        assert sum(batch.num_rows for batch in source.lines(PAIRS)) == len(miniature.MINI[PAIRS])


@pytest.mark.parametrize("top", ["", "MOOCCube", "MOOCCube/MOOCCube", "a/b/c/d/e"])
def test_a_folder_is_looked_through_as_deep_as_a_zip(tmp_path, top):
    miniature.write_folder(tmp_path / top, miniature.MINI)
    for junk in JUNK:
        (tmp_path / top / junk).write_bytes(b"\0\5\x16\7")
    miniature.write_folder(tmp_path / "__MACOSX", {each.path: [b"x"] for each in FILES})
    os.symlink(tmp_path, tmp_path / top / "loop")
    with open_source(tmp_path, SOURCE) as source:
        assert source.paths == set(miniature.MINI)
        assert not any(name.endswith(JUNK) or "MACOSX" in name for name in source.whole.paths)
        assert sum(batch.num_rows for batch in source.lines(PAIRS)) == len(miniature.MINI[PAIRS])


def test_a_folder_may_be_a_link(tmp_path, mini_source):
    (tmp_path / "link").mkdir()
    os.symlink(mini_source, tmp_path / "link" / "MOOCCube")
    with open_source(tmp_path / "link", SOURCE) as source:
        assert source.paths == set(miniature.MINI)
        assert not any(name.endswith(JUNK) or "MACOSX" in name for name in source.whole.paths)


def append(folder):
    with (folder / PAIRS).open("ab") as stream:
        stream.write(b"U_1\tV_4\n")


def overwrite(folder):
    whole = (folder / PAIRS).read_bytes()
    status = (folder / PAIRS).stat()
    (folder / PAIRS).write_bytes(whole[::-1])  # of the same size, at another time
    os.utime(folder / PAIRS, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def replace(folder):
    status = (folder / PAIRS).stat()
    (folder / "new").write_bytes((folder / PAIRS).read_bytes())
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(folder / "new", folder / PAIRS)


def take_away(folder):
    (folder / PAIRS).unlink()


@pytest.mark.parametrize("change", [append, overwrite, replace, take_away])
def test_a_folder_that_changes_while_it_is_read_is_not_taken(tmp_path, own_home, change):
    folder = miniature.write_folder(tmp_path / "source", miniature.MINI)
    before = ArtifactStore(own_home.artifacts).in_use()

    def progress(what, done, total):
        if what == PAIRS and (folder / PAIRS).exists():
            change(folder)

    with pytest.raises(SourceError, match=rf"{PAIRS} in .* changed while it was read"):
        run_etl(own_home, folder, run_stage=lambda name, stage: stage(progress))
    assert ArtifactStore(own_home.artifacts).in_use() == before
    assert list((own_home.artifacts / ".drafts").iterdir()) == []


def test_a_zip_that_changes_while_it_is_read_is_not_taken(tmp_path):
    path = miniature.write_zip(tmp_path / "mini.zip", miniature.MINI)
    with pytest.raises(SourceError, match=r"mini\.zip changed"), unchanged(path, FILES):
        path.write_bytes(path.read_bytes() + b"\0")

    def fail():
        path.unlink()
        raise SourceError("what came of the change")

    with pytest.raises(SourceError, match=r"mini\.zip changed"), unchanged(path, FILES):
        fail()
    with pytest.raises(SourceError, match="the file is damaged"), unchanged(path, FILES):
        raise SourceError("the file is damaged")
