"""What does one learner hold now, a moment after watching something?

`LiveDiagnosis` reads the Q-matrix and tabulates the parameters once; it is never changed, and
serves any number of learners and threads. A `Posterior` is one learner's state: the views received
so far, and the mastery that follows from them. What is observed of a video is the largest share in
its views and in the row that the learner began with, so the order in which views arrive, repeats
and withdrawn views leave no trace. An update infers again the components that it touches, from
their first message on: going on from old messages is hardly faster and can end at another fixed
point of propagation (docs/research/diagnosis.md, "Live").
Sizes: V videos, K concepts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints, check_axis, positions
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.estep import expect, parameters
from kgplan.diagnosis.evidence import check_observations, gather, read_videos
from kgplan.diagnosis.uncertainty import divergence
from kgplan.diagnosis.vdina import check_line
from kgplan.errors import InputError
from kgplan.native.excerpt import covering, cut, touched_by
from kgplan.native.partition import split


@dataclass(frozen=True)
class View:
    """One event: a learner was seen to watch so much of a video.

    Attributes:
        event_id: names the event; the same id again is a repeat, or a correction if it is later.
        video: place on the V axis.
        share: of the video that was watched, in [0, 1]; 0 where it became due and was not opened.
        time: when, in seconds; decides only between two events of the same id.
    """

    event_id: str
    video: int
    share: float
    time: float = 0.0

    def corrects(self, other: "View") -> bool:
        """Whether this one counts, of two with the same id: the later, then the larger."""
        mine = (self.time, self.share, self.video)
        return mine > (other.time, other.share, other.video)


class LargeUpdate(Exception):
    """More concepts would have to be inferred again than was asked for."""


class LiveDiagnosis:
    """Infers single learners at fixed slip, guess and prior.

    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    >>> concepts, mastery = live.infer(np.array([0]), np.array([1.0]))
    >>> concepts, mastery.round(3)
    (array([0]), array([0.818]))
    """

    def __init__(
        self,
        q_matrix: sparse.csr_matrix,
        slip: Floats,
        guess: Floats,
        prior: Floats,
        config: DiagnosisConfig | None = None,
    ) -> None:
        """Prepare for updates; arguments and errors as for `vdina.infer`."""
        self._config = config or DiagnosisConfig()
        line = check_line(q_matrix, slip, guess, prior)
        self.q_matrix = sparse.csr_matrix(q_matrix)
        self.prior = line.prior
        self._videos = read_videos(q_matrix, self._config.link)
        self._parameters = parameters(self._videos, line)
        self._pulls = self._config.link == "compensatory"

    def infer(self, videos: Ints, shares: Floats) -> tuple[Ints, Floats]:
        """Infer one learner from all observed videos.

        Args:
            videos: (n,) observed videos, in any order, none twice.
            shares: (n,) share of each that was watched; 0 for one not opened.

        Returns:
            Concepts that the observations reach, ascending, and their mastery; all other concepts
            keep their prior.

        Raises:
            AxisMismatch: not one share per video.
            InputError: a share outside [0, 1], a video twice, or no such video.
        """
        return self._infer(*self.check_row(videos, shares))

    def check_row(self, videos: Ints, shares: Floats) -> tuple[Ints, Floats]:
        """The observations in the order of the videos; errors as for `infer`."""
        check_axis("observed videos", videos=videos.size, shares=shares.size)
        n_videos = self.q_matrix.shape[0]
        for video in videos[(videos < 0) | (videos >= n_videos)].tolist():
            raise _no_video(video, n_videos)
        row = sparse.csr_matrix((shares, videos, [0, videos.size]), shape=(1, n_videos))
        checked, _ = check_observations(row, self.q_matrix)
        return checked.indices, checked.data

    def check_view(self, view: View) -> None:
        """Refuse a view that cannot be used.

        Raises:
            InputError: its share is outside [0, 1], its time is no number, or there is no such
                video.
        """
        if not 0 <= view.video < self.q_matrix.shape[0]:
            raise _no_video(view.video, self.q_matrix.shape[0])
        if not (0 <= view.share <= 1 and np.isfinite(view.time)):
            raise InputError(
                f"view {view.event_id!r} has share {view.share} and time {view.time}; "
                "give a share in [0, 1] and a finite time"
            )

    def infer_around(
        self, changed: Ints, videos: Ints, shares: Floats, most: int | None = None
    ) -> tuple[Array, Ints, Floats]:
        """Infer the components that a change of some videos' shares touches.

        Args:
            changed: videos whose observation differs from an earlier one, or came or went.
            videos, shares: (n,) all observations as they are now, as `check_row` gives them.
            most: concepts that may be inferred; any number where None.

        Raises:
            LargeUpdate: it would be more.

        Returns:
            (K,) True for every concept whose mastery the change may have moved; of these, the
            concepts that observations still reach, ascending, and their mastery.
        """
        tying = videos[shares < 1] if self._pulls else videos
        touched = touched_by(changed, tying, self._videos, self.prior.size)
        if most is not None and np.count_nonzero(touched) > most:
            raise LargeUpdate
        kept = covering(videos, touched, self._videos)
        concepts, mastery = self._infer(videos[kept], shares[kept])
        inside = touched[concepts]  # a full watch reaches into other components, without its own
        return touched, concepts[inside], mastery[inside]

    def not_told_apart(self, videos: Ints, concepts: Ints) -> Array:
        """True, along `concepts`, where exactly the same of these videos cover another one too.

        As `identify.not_told_apart`, for one learner.
        """
        model = self._videos
        classes = split(
            model.scope_of[videos], model.scope_start, model.scope_concept, self.prior.size
        )[concepts]
        return np.bincount(classes)[classes] > 1

    def _infer(self, videos: Ints, shares: Floats) -> tuple[Ints, Floats]:
        concepts, near, near_parameters = cut(videos, self._videos, self._parameters)
        at = np.arange(videos.size)
        evidence = gather(
            sparse.csr_matrix((shares, at, [0, at.size]), shape=(1, at.size)),
            np.ones(at.size),
            np.ones(1),
            near,
            concepts.size,
            self._pulls,
            self._config.enumeration_limit,
        )
        found = expect(evidence, near, near_parameters, self._config, threads=1, to_read=True)
        order = np.argsort(evidence.support)
        return concepts[evidence.support[order]], found.mastery[order]


class Posterior:
    """One learner's mastery, moved in place by single views; slip, guess and prior stay fixed.

    The state is a set of views by id and a set of withdrawn ids: both only grow or are corrected
    by what is later, so any order of the same messages gives the same state, and the mastery is
    that of `LiveDiagnosis.infer` on what is observed: to the last bit, as an untouched component
    is what it was, and a touched one starts anew. One thread at a time may use an object.

    >>> one = sparse.csr_matrix(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> half = np.full(2, 0.5)
    >>> live = LiveDiagnosis(one, half / 5, half / 2.5, half)
    >>> learner = Posterior.of(live, np.array([0, 1]), np.zeros(2))  # two videos due, none opened
    >>> learner.mastery.round(3)
    array([0.111, 0.111])
    >>> learner.update(View("e1", video=1, share=1.0, time=5.0))
    array([1])
    >>> learner.mastery.round(3)
    array([0.111, 0.818])
    >>> learner.retract("e1")
    array([1])
    >>> learner.mastery.round(3)
    array([0.111, 0.111])
    """

    def __init__(
        self,
        live: LiveDiagnosis,
        videos: Ints,
        shares: Floats,
        known: tuple[Ints, Floats] | None = None,
    ) -> None:
        self._live = live
        self._base = live.check_row(videos, shares) if known is None else (videos, shares)
        self._events: dict[str, View] = {}
        self._retracted: frozenset[str] = frozenset()
        self._videos, self._shares = self._base
        self.concepts, self.mastery = live.infer(*self._base) if known is None else known

    @classmethod
    def of(
        cls,
        live: LiveDiagnosis,
        videos: Ints | None = None,
        shares: Floats | None = None,
        known: tuple[Ints, Floats] | None = None,
    ) -> "Posterior":
        """A learner of whom a row of observations is known; of a new learner, nothing.

        Args:
            live: the model.
            videos, shares: (n,) the learner's row of `records.observed_views`: the share of each
                video watched, 0 for a video of an enrolled course that was not opened.
            known: what `live.infer` gives for this row, where it is at hand; then nothing is
                inferred or checked, and the videos must be ascending.

        Raises:
            AxisMismatch, InputError: as `LiveDiagnosis.infer`.
        """
        if videos is None or shares is None:
            return cls(live, np.zeros(0, np.int32), np.zeros(0))
        return cls(live, videos, shares, known)

    def update(self, *views: View, most: int | None = None) -> Ints:
        """Take in one view, or several at once, as an enrolment that makes a course's videos due.

        Args:
            views: what was seen.
            most: concepts that may be inferred again; any number where None.

        Returns:
            Concepts whose mastery was inferred again, ascending; none where nothing new was said.

        Raises:
            InputError: a view cannot be used; then none of them is taken in.
            LargeUpdate: more concepts than `most` are touched; then none of them is taken in.
        """
        for view in views:
            self._live.check_view(view)
        events = dict(self._events)
        for view in views:
            known = events.get(view.event_id)
            if view.event_id not in self._retracted and (known is None or view.corrects(known)):
                events[view.event_id] = view
        return self._become(events, self._retracted, most)

    def retract(self, *event_ids: str) -> Ints:
        """Withdraw events for good, also those that have not arrived yet.

        Returns:
            Concepts whose mastery was inferred again, ascending.
        """
        events = {k: view for k, view in self._events.items() if k not in event_ids}
        return self._become(events, self._retracted | frozenset(event_ids))

    @property
    def observed(self) -> tuple[Ints, Floats]:
        """(n,) videos that are observed, ascending, and the share of each."""
        return self._videos, self._shares

    @property
    def events(self) -> tuple[View, ...]:
        """The events that count, by id."""
        return tuple(self._events[k] for k in sorted(self._events))

    def dense(self) -> Floats:
        """(K,) mastery of every concept; the prior where no observation reaches it."""
        mastery = self._live.prior.copy()
        mastery[self.concepts] = self.mastery
        return mastery

    def evidence(self) -> Floats:
        """Along `concepts`, the bits that the observations said (`uncertainty.divergence`)."""
        return divergence(self.mastery, self._live.prior[self.concepts])

    def not_told_apart(self) -> Array:
        """True, along `concepts`, where the observed videos leave open which of several is held."""
        return self._live.not_told_apart(self._videos, self.concepts)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that this learner holds, without events."""
        distinct = {id(a): a.nbytes for a in (*self._base, self._videos, self._shares)}
        return sum(distinct.values()) + self.concepts.nbytes + self.mastery.nbytes

    def to_arrays(self) -> dict[str, Array]:
        """What the learner is known by, as plain arrays; mastery follows from it."""
        events = self.events
        return {
            "videos": self._base[0],
            "shares": self._base[1],
            "event_ids": np.array([view.event_id for view in events], np.str_),
            "event_videos": np.array([view.video for view in events], np.int64),
            "event_shares": np.array([view.share for view in events], np.float64),
            "event_times": np.array([view.time for view in events], np.float64),
            "retracted_ids": np.array(sorted(self._retracted), np.str_),
        }

    @classmethod
    def from_arrays(cls, live: LiveDiagnosis, arrays: Mapping[str, Array]) -> "Posterior":
        """The learner that `to_arrays` described, under this model or one that knows more videos.

        Raises:
            AxisMismatch, InputError: an observation or event that the model cannot use.
        """
        learner = cls(live, np.asarray(arrays["videos"]), np.asarray(arrays["shares"]))
        learner.retract(*arrays["retracted_ids"].tolist())
        columns = ("event_ids", "event_videos", "event_shares", "event_times")
        lists = [np.asarray(arrays[name]).tolist() for name in columns]
        learner.update(*(View(*event) for event in zip(*lists, strict=True)))
        return learner

    def _become(
        self, events: dict[str, View], retracted: frozenset[str], most: int | None = None
    ) -> Ints:
        """Move to another set of events; nothing of the learner changes before all is inferred."""
        moved = [(self._events.get(k), events.get(k)) for k in self._events.keys() | events.keys()]
        touched = {
            view.video for pair in moved if pair[0] != pair[1] for view in pair if view is not None
        }
        videos, shares, changed = self._observe(sorted(touched), events)
        if changed.size:
            where, concepts, mastery = self._live.infer_around(changed, videos, shares, most)
            stay = ~where[self.concepts]
            concepts = np.concatenate([self.concepts[stay], concepts])
            order = np.argsort(concepts)
            self.concepts = concepts[order]
            self.mastery = np.concatenate([self.mastery[stay], mastery])[order]
            self._videos, self._shares = videos, shares
            inferred = np.flatnonzero(where)
        else:
            inferred = np.zeros(0, np.int64)
        self._events, self._retracted = events, retracted
        return inferred

    def _observe(
        self, touched: Iterable[int], events: dict[str, View]
    ) -> tuple[Ints, Floats, Ints]:
        """All observations under these events, and the videos whose observation differs."""
        asked = np.array(list(touched), self._videos.dtype)
        if not asked.size:
            return self._videos, self._shares, asked
        share = dict.fromkeys(asked.tolist(), -1.0)
        for view in events.values():
            if view.video in share:
                share[view.video] = max(share[view.video], view.share)
        at = positions(self._base[0], asked)
        base = np.where(at >= 0, np.append(self._base[1], -1.0)[at], -1.0)
        now = np.maximum(np.array([share[v] for v in asked.tolist()]), base)
        at = positions(self._videos, asked)
        before = np.where(at >= 0, np.append(self._shares, -1.0)[at], -1.0)
        rest = np.ones(self._videos.size, bool)
        rest[at[at >= 0]] = False
        videos = np.concatenate([self._videos[rest], asked[now >= 0]])
        order = np.argsort(videos)
        shares = np.concatenate([self._shares[rest], now[now >= 0]])
        return videos[order], shares[order], asked[now != before]


def _no_video(video: int, n_videos: int) -> InputError:
    return InputError(f"there is no video {video}; the model has videos 0 to {n_videos - 1}")
