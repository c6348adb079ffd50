"""What the tables say of learners' tries: whose success was seen, and whose is only assumed."""

import pytest

from kgplan.model.opening import newest_records
from kgplan.pipeline.effects import read_tries
from kgplan.store.artifacts import ArtifactStore


@pytest.fixture(scope="module")
def mini(mini_home):
    artifacts = ArtifactStore(mini_home.artifacts)
    records, _ = newest_records(artifacts)
    return records, artifacts.current("tables").path


def test_a_view_without_a_share_is_never_an_outcome(mini):
    records, tables = mini
    tries = read_tries(tables, records)
    names = records.learner_ids[tries.learner], records.item_ids[tries.video]
    told = {
        (str(learner), str(video)): (place, success, seen)
        for learner, video, place, success, seen in zip(
            *names, tries.place.tolist(), tries.success.tolist(), tries.seen.tolist(), strict=True
        )
    }
    everything = {
        ("U_1", "V_4"): (0, False, True),  # a quarter was played
        ("U_1", "V_1"): (1, True, True),
        ("U_1", "V_2"): (2, False, True),
        ("U_1", "V_3"): (3, True, False),  # the platform logs no share of it
        ("U_2", "V_4"): (0, True, False),
        ("U_2", "V_3"): (1, True, False),
        ("U_3", "V_6"): (0, True, False),
        ("U_3", "V_5"): (1, True, False),
    }
    covering = set(records.item_ids.tolist())
    assert told == {pair: said for pair, said in everything.items() if pair[1] in covering}
