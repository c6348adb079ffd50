"""Who took part in an experiment, by the plans that are kept, on both databases."""

import json

from kgplan.data.events import Event
from kgplan.store.events.sent import Sent


def plan(store, learner, made, experiment, course="C"):
    body = json.dumps({"towards": None, "experiment": experiment}, separators=(",", ":"))
    store.remember(learner, course, body, made)


def test_learners_take_part_by_their_plans_and_only_in_their_experiment(store):
    spring, other = {"name": "spring", "arm": "new"}, {"name": "springs", "arm": "new"}
    plan(store, "a", 2.0, None)
    plan(store, "a", 3.0, spring)
    plan(store, "a", 4.0, spring, "D")
    plan(store, "b", 5.0, other)
    plan(store, "c", 6.0, spring)
    plan(store, "d", 7.0, spring)
    store.flush()
    store.erase("d", 8.0)
    found = [[each.made for each in plans] for plans, _ in store.took_part("spring")]
    assert found == [[3.0, 4.0], [6.0]]
    assert [len(plans) for plans, _ in store.took_part("springs")] == [1]
    assert list(store.took_part("autumn")) == []
    assert (store.n_erased(8.0), store.n_erased(8.5)) == (1, 0)


def test_events_come_with_the_plans(store):
    plan(store, "a", 2.0, {"name": "spring", "arm": "new"})
    event = Event("e", "a", 3.0, "v", share=1.0)
    store.submit([Sent(event, "event", {}, "digest")]).result()
    store.flush()
    ((plans, events),) = store.took_part("spring")
    assert (plans[0].body["experiment"]["arm"], events) == ("new", [event])
