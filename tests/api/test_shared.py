import json
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest
from planning_cases import hand_case, random_case

from kgplan.api.shared import SharedPlanners
from kgplan.data.links import Links
from kgplan.errors import ArtifactError, GraphUnavailable


class World:
    """A graph and a model that can change, and who asked for their planner."""

    def __init__(self):
        self.version, self.builds = 0, 0

    def mark(self):
        return f"mark {self.version}"

    def read_version(self):
        planner = random_case(self.version).planner() if self.version else hand_case().planner()

        def make(before):
            self.builds += 1
            return planner

        return f"{planner.graph.version}-{planner.model_version}", make

    def newest(self, shared):
        return shared.newest(self.mark, self.read_version)


def folders(root: Path) -> list[Path]:
    return [each for each in root.iterdir() if each.is_dir()]


def test_what_one_process_wrote_the_others_map(tmp_path):
    world, processes = World(), [SharedPlanners(tmp_path) for _ in range(3)]
    planners = [world.newest(each) for each in processes]
    assert world.builds == 1
    assert len({id(planner) for planner in planners}) == 3
    assert len({planner.graph.version for planner in planners}) == 1
    assert world.newest(processes[0]) is planners[0]


def test_a_change_is_written_once_and_the_old_folder_leaves_while_its_pages_stay(tmp_path):
    world, (one, other) = World(), [SharedPlanners(tmp_path) for _ in range(2)]
    old = world.newest(one)
    expected = old.plan("learner", "A")
    before = folders(tmp_path)
    world.version = 1
    new = world.newest(other)
    assert (world.builds, new.graph.version != old.graph.version) == (2, True)
    assert len(folders(tmp_path)) == 1
    assert folders(tmp_path) != before
    assert old.plan("learner", "A") == expected
    assert world.newest(one).graph.version == new.graph.version
    assert world.builds == 2


def test_a_service_with_other_addresses_of_the_platform_does_not_map_those_from_before(tmp_path):
    """`KGPLAN_LINKS` is changed between two starts; graph and model stay."""
    for template in ("https://one.example/{item_id}", "https://other.example/{item_id}", ""):
        planner = hand_case().planner(links=Links(template))
        name = f"{planner.graph.version}-{planner.model_version}"
        read = lambda planner=planner, name=name: (name, lambda before: planner)  # noqa: E731
        for _ in range(2):
            found = SharedPlanners(tmp_path, template).newest(lambda: "the same", read)
            assert found.links == Links(template)


def test_another_mark_of_the_same_graph_and_model_writes_nothing(tmp_path):
    world, shared = World(), SharedPlanners(tmp_path)
    planner = world.newest(shared)
    marks = iter(["another", "another"])
    assert shared.newest(lambda: next(marks), world.read_version) is planner
    assert world.builds == 1


ODD = ["", "{", "[]", "null", "7", '"text"', '{"name": "..", "mark": 5}', "\udcff\udcfe", "{}"]


@pytest.mark.parametrize("name", ["current.json", "values.json", "sums.json"])
@pytest.mark.parametrize("content", ODD)
def test_odd_json_is_made_again(tmp_path, name, content):
    world = World()
    expected = world.newest(SharedPlanners(tmp_path)).plan("learner", "A")
    (folder,) = folders(tmp_path)
    file = tmp_path / name if name == "current.json" else folder / name
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert world.newest(SharedPlanners(tmp_path)).plan("learner", "A") == expected
    assert world.builds == 2


def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path):
    world, root, elsewhere = World(), tmp_path / "serving", tmp_path / "elsewhere"
    world.newest(SharedPlanners(root))
    (folder,) = folders(root)
    shutil.copytree(folder, elsewhere)
    current = json.loads((root / "current.json").read_text())
    (root / "current.json").write_text(json.dumps(current | {"name": "../elsewhere"}))
    world.newest(SharedPlanners(root))
    assert world.builds == 2
    assert elsewhere.is_dir()


@pytest.mark.parametrize("harm", ["empty", "half a header", "changed", "more", "a file, no folder"])
def test_files_that_are_not_what_was_written_are_made_again(tmp_path, harm):
    world = World()
    expected = world.newest(SharedPlanners(tmp_path)).plan("learner", "A")
    (folder,) = folders(tmp_path)
    file = folder / "derived.prior.npy"
    content = file.read_bytes()
    if harm == "a file, no folder":
        shutil.rmtree(folder)
        folder.write_text("")
    elif harm == "more":
        (folder / "records.more.npy").write_bytes(content)
    else:
        changed = content[:-1] + bytes([content[-1] ^ 1])
        file.write_bytes({"empty": b"", "half a header": content[:50], "changed": changed}[harm])
    assert world.newest(SharedPlanners(tmp_path)).plan("learner", "A") == expected
    assert world.builds == 2


def test_a_process_sees_that_its_files_were_harmed_and_maps_new_ones(tmp_path):
    world, one, other = World(), SharedPlanners(tmp_path), SharedPlanners(tmp_path)
    expected = [world.newest(each).plan("learner", "A") for each in (one, other)]
    seen = one.changes(), other.changes()
    (folder,) = folders(tmp_path)
    for file in folder.glob("*.npy"):
        os.truncate(file, 0)
    assert one.changes() != seen[0]
    assert one.changes() == one.changes()
    assert world.newest(one).plan("learner", "A") == expected[0]
    assert other.changes() != seen[1]
    assert world.newest(other).plan("learner", "A") == expected[1]
    assert world.builds == 2


def test_files_that_were_only_touched_are_not_made_again(tmp_path):
    world, shared = World(), SharedPlanners(tmp_path)
    world.newest(shared)
    (folder,) = folders(tmp_path)
    os.utime(folder / "derived.prior.npy")
    assert shared.changes() == 1
    assert world.newest(shared).plan("learner", "A").steps
    assert world.builds == 1


def test_others_may_not_look_into_the_files(tmp_path):
    root = tmp_path / "serving"
    root.mkdir(mode=0o755)  # of an older kgplan
    World().newest(SharedPlanners(root))
    assert [stat.S_IMODE(each.stat().st_mode) for each in (root, *folders(root))] == [0o700] * 2


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "serving").write_text("")
    with pytest.raises(ArtifactError, match="cannot be shared in"):
        World().newest(SharedPlanners(tmp_path / "serving"))


@pytest.mark.parametrize("harm", ["lacks", "cut", "no values", "no json"])
def test_a_folder_that_cannot_be_read_is_written_again(tmp_path, harm):
    world = World()
    expected = world.newest(SharedPlanners(tmp_path)).plan("learner", "A")
    (folder,) = folders(tmp_path)
    file = folder / "derived.prior.npy"
    if harm == "lacks":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:-8])
    elif harm == "no values":
        (folder / "values.json").unlink()
    else:
        (tmp_path / "current.json").write_text("{")
    assert world.newest(SharedPlanners(tmp_path)).plan("learner", "A") == expected
    assert world.builds == 2


def test_what_a_killed_process_left_half_written_is_replaced(tmp_path):
    (tmp_path / ".aside").mkdir()
    (tmp_path / ".aside" / "graph.concept_ids.npy").write_text("half")
    world = World()
    assert world.newest(SharedPlanners(tmp_path)).plan("learner", "A").steps
    assert [each.name[0] for each in folders(tmp_path)] != ["."]


def test_a_planner_of_before_the_machine_started_is_made_again(tmp_path):
    world = World()
    world.newest(SharedPlanners(tmp_path))
    later = SharedPlanners(tmp_path)
    later._made_by["boot"] = "another"
    world.newest(later)
    assert world.builds == 2


def test_one_builds_while_the_others_wait(tmp_path):
    world, begun, go_on = World(), threading.Event(), threading.Event()
    name, make = world.read_version()

    def slow(before):
        begun.set()
        assert go_on.wait(30)
        return make(before)

    def ask():
        found.append(SharedPlanners(tmp_path).newest(world.mark, lambda: (name, slow)))

    found: list = []
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for each in asking:
        each.start()
    assert begun.wait(30)
    assert found == []
    go_on.set()
    for each in asking:
        each.join(30)
    assert (len(found), world.builds) == (3, 1)


def test_a_graph_that_cannot_be_read_leaves_what_is_served(tmp_path):
    world, shared = World(), SharedPlanners(tmp_path)
    planner = world.newest(shared)

    def fails():
        raise GraphUnavailable("the server is gone")

    with pytest.raises(GraphUnavailable):
        shared.newest(lambda: "another", fails)
    assert world.newest(shared) is planner
