"""The signals of `kgplan.native.signals`, resource by resource, from lists of views."""

from itertools import pairwise

import numpy as np

from kgplan.data.records import items_in_order
from kgplan.native.signals import (
    AHEAD,
    CLOSE,
    COURSES,
    FADES,
    LATEST,
    LOOKED_BACK,
    SIGNALS,
)


class Plain:
    """Lists, and loops over them.

    Args:
        records: with the order of views.
        lines: the same views, of each learner in order.
    """

    def __init__(self, records, lines):
        self.lines = [list(line) for line in lines]
        n_courses = records.course_items.shape[0]
        self.orders = [items_in_order(records.course_items, c).tolist() for c in range(n_courses)]
        self.showing = [
            [c for c, order in enumerate(self.orders) if item in order]
            for item in range(records.item_ids.size)
        ]

    def viewers(self, item):
        return sum(item in line for line in self.lines)

    def soon(self, before, after):
        return sum(
            before in line and after in line[line.index(before) + 1 :][:AHEAD]
            for line in self.lines
        )

    def steps(self, before, after=None):
        pairs = [pair for line in self.lines for pair in pairwise(line)]
        return sum(a == before and after in (None, b) for a, b in pairs)

    def own_courses(self, history):
        """(course, place of its latest view, views since)"""
        found = []
        for age, item in enumerate(history[::-1][:LOOKED_BACK]):
            new = [c for c in self.showing[item] if c not in [each[0] for each in found]]
            new.sort(key=lambda c: -len(set(self.orders[c]) & set(history)))
            found += [(c, self.orders[c].index(item), age) for c in new]
            if len(found) >= COURSES:
                break
        return found[:COURSES]

    def row(self, history, item):
        """Signals by name; what is not known is left out."""
        history, latest = list(history), list(history)[::-1][:LATEST]
        said = {"viewers": np.log1p(self.viewers(item)), "views": np.log1p(len(history))}
        for k, view in enumerate(latest[:3]):
            share = self.steps(view, item) / max(self.steps(view), 1)
            said[f"share of steps from view {k} before"] = share
        if history:
            said["steps from the last view"] = self.steps(history[-1], item)
            after = self.soon(history[-1], item) / max(self.viewers(history[-1]), 1)
            said["soon after the last view"] = after
        said["soon after the latest views"] = sum(
            FADES**k * self.soon(view, item) / max(self.viewers(view), 1)
            for k, view in enumerate(latest)
        )
        said["seen by the same learners"] = sum(
            FADES**k
            * (view != item)
            * sum(view in line and item in line for line in self.lines)
            / np.sqrt(max(self.viewers(view), 1) * max(self.viewers(item), 1))
            for k, view in enumerate(latest)
        )
        said |= self._of_courses(history, item) | self._of_its_course(item)
        return [said.get(name, np.nan) for name in SIGNALS]

    def _of_courses(self, history, item):
        said, own = {}, self.own_courses(history)
        for k, (course, at, age) in enumerate(own):
            order = self.orders[course]
            if item not in order:
                continue
            place = order.index(item)
            said[f"places ahead in course {k}"] = np.clip(place - at, -CLOSE, CLOSE)
            said[f"views since in course {k}"] = age
            said[f"share opened in course {k}"] = len(set(order) & set(history)) / len(order)
            if item not in history:
                between = order[at + 1 : place + 1] if place > at else order[place:at]
                left = len(set(between) - set(history))
                said[f"unopened ones up to it in course {k}"] = left if place > at else -left
        if own:
            order, at = self.orders[own[0][0]], own[0][1]

            def step(a, b):
                if a not in order or b not in order:
                    return np.nan
                return np.clip(order.index(b) - order.index(a), -CLOSE, CLOSE)

            steps = [step(a, b) for a, b in pairwise(history[-AHEAD - 2 :])]
            if steps:
                said["steps of one place"] = np.mean([each == 1 for each in steps])
                said["last step"] = steps[-1]
            said["unopened ones ahead"] = len(set(order[at + 1 :]) - set(history))
        return said

    def _of_its_course(self, item):
        if not self.showing[item]:
            return {}
        order = self.orders[self.showing[item][0]]
        place, most = order.index(item) + 1, max(1, *(self.viewers(each) for each in order))
        return {
            "place": place,
            "share of its course": place / len(order),
            "viewers in its course": self.viewers(item) / most,
        }
