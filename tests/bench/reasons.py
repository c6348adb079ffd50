"""What does it cost to say what a mastery rests on, and does mastery rise with its own evidence?

python tests/bench/reasons.py: CPU time of answers, and masteries as the share of one item on the
concept rises, over pairs of learner and concept drawn from the model in KGPLAN_HOME.
"""

import time

import numpy as np

from kgplan.data.events import Event, evidence_of
from kgplan.data.wishes import Wishes
from kgplan.model.opening import open_planner
from kgplan.planning import PlanOptions
from kgplan.planning.because import reasoned
from kgplan.planning.live import LiveModel
from kgplan.settings import read_settings

DRAWN, RAISED, SEED = 400, 200, 7
SHARES = (0.25, 0.5, 0.75, 1.0)


def main() -> None:
    planner = open_planner(read_settings())
    model, rng = LiveModel(planner.records, planner.diagnosis), np.random.default_rng(SEED)
    pairs = planner.diagnosis.mastery.tocoo()
    drawn = rng.choice(pairs.nnz, DRAWN, replace=False)
    learners = planner.diagnosis.learner_ids[pairs.row[drawn]].tolist()
    concepts = np.asarray(planner.diagnosis.concept_ids)[pairs.col[drawn]].tolist()
    reasoned(planner, model, learners[0], concepts[0], None, PlanOptions())  # compiled code loaded
    seconds, raised, falls = [], 0, []
    for learner, concept in zip(learners, concepts, strict=True):
        begun = time.process_time()
        found = reasoned(planner, model, learner, concept, None, PlanOptions())
        seconds.append(time.process_time() - begun)
        due = [each for each in found.reasons or () if each.covers and each.did == "not_opened"]
        if due and raised < RAISED:
            raised += 1
            item = due[int(rng.integers(len(due)))].item_id
            known = [planner.mastery_of(learner, concept).mastery]
            for share in SHARES:
                seen = evidence_of([Event("e", learner, 0.0, item, share=share)])
                current = model.current(learner, seen, Wishes()).learner
                known.append(planner.mastery_of(learner, concept, current).mastery)
            falls.append(min(np.diff(known).min(), 0.0))
    figures = np.quantile(np.array(seconds) * 1000, [0.5, 0.99, 1])
    print("ms of CPU, median {:.0f}, p99 {:.0f}, most {:.0f}".format(*figures))
    fell = int(np.sum(np.array(falls) < -1e-6))
    print(f"{raised} pairs raised: {fell} fell, by {abs(min(falls)):.1e} at most")


if __name__ == "__main__":
    main()
