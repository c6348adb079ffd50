"""The signals of `kgplan.native.signals`, resource by resource, from lists of views."""

from itertools import pairwise

import numpy as np

from kgplan.data.records import items_in_order
from kgplan.native.signals import (
    AHEAD,
    CLOSE,
    COMPARED,
    COURSES,
    FADES,
    LATEST,
    LOOKED_BACK,
    SIGNALS,
    UNALIKE,
    WITHIN,
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
        said |= self._of_courses(history, item) | self._of_its_course(history, item)
        said |= self._of_two(history, item) | self._alike(history, item)
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
            if len(steps) > 1:
                said["step before the last"] = steps[-2]
            said["unopened ones ahead"] = len(set(order[at + 1 :]) - set(history))
        return said

    def _of_its_course(self, history, item):
        own = self.own_courses(history)
        now = own[0][0] if own else None
        row = 0
        while now is not None and row < len(history) and history[-1 - row] in self.orders[now]:
            row += 1
        said = {"views in a row in course 0": row}
        if not self.showing[item]:
            return said
        first = self.showing[item][0]
        order = self.orders[first]
        said["place"] = order.index(item) + 1
        said["share of its course"] = said["place"] / len(order)
        most = max(1, *(self.viewers(each) for each in order))
        said["viewers in its course"] = self.viewers(item) / most
        course = max(
            self.showing[item], key=lambda c: (len(set(self.orders[c]) & set(history)), -c)
        )
        order = self.orders[course]
        views = [k for k, view in enumerate(history[::-1]) if view in order]
        said["opened in its course"] = np.log1p(len(views))
        if views:
            said["views since its course"] = views[0]
        before = set(order[: order.index(item)])
        said["unopened ones before it in its course"] = len(before - set(history))
        if now is not None and now != course:
            switches = []
            for line in self.lines:
                for a, b in pairwise(line):
                    if self.showing[a] and self.showing[b]:
                        switches.append((self.showing[a][0], self.showing[b][0]))
            out = [b for a, b in switches if a == now and b != now]
            said["share of switches to its course"] = out.count(course) / max(len(out), 1)
        return said

    def _of_two(self, history, item):
        if len(history) < 2:
            return {}
        then = [
            line[k + 2]
            for line in self.lines
            for k in range(len(line) - 2)
            if line[k : k + 2] == history[-2:]
        ]
        said = {"steps from the last two views": len(then)}
        if then:
            said["share of steps from the last two views"] = then.count(item) / len(then)
        return said

    def _alike(self, history, item):
        if not history:
            return {}
        weights = {view: FADES**k for k, view in enumerate(history[-2::-1][:COMPARED])}
        whole = following = soon = 0.0
        for line in self.lines:
            if history[-1] not in line[:-1]:
                continue
            at = line.index(history[-1])
            alike = UNALIKE + sum(weights.get(v, 0) for v in line[max(at - WITHIN, 0) : at])
            whole += alike
            following += alike * (line[at + 1] == item)
            behind = line[at + 1 :][:AHEAD]
            soon += alike * (FADES ** behind.index(item) if item in behind else 0)
        if not whole:
            return {}
        return {"next of those alike": following / whole, "soon of those alike": soon / whole}
