"""How does a simulated world become a MOOCCube archive, with its truth beside it?

    plant, watch (simulation.py) ──► names, lines ──► OUT/entities, relations, ... ──► switch
                                                 └──► OUT/truth/*.parquet, configuration.json

Learners are written some at a time, so memory does not grow with the views. With `dirty`, lines of
every kind that the extraction refuses follow good ones; `truth/dirt.csv` counts them.
"""

import csv
import json
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kgplan.arrays import Array, Ints, stored_in
from kgplan.errors import ConfigError, InputError
from kgplan.etl.tables import Reason
from kgplan.evaluation.names import concept_name, field_name, school_name, video_id
from kgplan.evaluation.simulation import (
    Cohort,
    SimulationConfig,
    Sittings,
    World,
    cohorts,
    plant,
    sittings,
)
from kgplan.progress import Progress, silent
from kgplan.store.artifacts import package_versions

TOP = "MOOCCube"
CONFIGURATION = "truth/configuration.json"
_FIXED_TIME = (2020, 1, 1, 0, 0, 0)  # of the zip's members: the same seed gives the same bytes
_BUFFER = 1 << 20

Row = dict[str, Any] | tuple[str, str]


@dataclass(frozen=True)
class Generated:
    """What was written.

    Attributes:
        place: the folder or the zip.
        config, seed, dirty: what it was made with.
        rows: lines of each file, bad ones included; for the activities, activities.
        dirt: file, table, reason -> bad rows.
        views: pairs of learner and video that were opened.
        observations: these, and videos of learners' courses that were not.
        bytes: of all files, the zip's where it is one.
    """

    place: Path
    config: SimulationConfig
    seed: int
    dirty: float
    rows: dict[str, int]
    dirt: dict[tuple[str, str, str], int]
    views: int
    observations: int
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "place": str(self.place),
            "config": self.config.to_dict(),
            "seed": self.seed,
            "dirty": self.dirty,
            "rows": self.rows,
            "dirt": [
                {"file": file, "table": table, "reason": reason, "rows": n}
                for (file, table, reason), n in sorted(self.dirt.items())
            ],
            "views": self.views,
            "observations": self.observations,
            "bytes": self.bytes,
        }


def generate(
    out: Path,
    config: SimulationConfig,
    seed: int = 0,
    *,
    dirty: float = 0.0,
    force: bool = False,
    progress: Progress = silent,
) -> Generated:
    """Write a world as a MOOCCube archive with its truth; the same arguments give the same bytes.

    Args:
        out: the folder; or the zip, where the name ends with ".zip". It is written aside and then
            takes its place.
        config, seed: as for `plant`.
        dirty: bad rows for each good one, of every kind that the extraction knows, at least one
            of each; 0: none.
        force: replace what an earlier run wrote there.
        progress: told the learners that are done.

    Raises:
        InputError: something else is at `out`, or an earlier result and not `force`.
        ConfigError: as `plant`, or `dirty` is not in [0, 1].
    """
    if not 0 <= dirty <= 1:
        raise ConfigError(f"dirty is {dirty}; give a number in [0, 1]")
    _check_place(out, force)
    progress("world", 0, None)
    world = plant(config, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        folder = aside / TOP
        rows, dirt, views, observations = _write(folder, world, config, seed, dirty, progress)
        if out.suffix == ".zip":
            progress("packing", config.learners, config.learners)
            made = aside / out.name
            _pack(folder, made)
        else:
            made = folder
        size = sum(file.stat().st_size for file in _files(made))
        _switch(made, out, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Generated(out, config, seed, dirty, rows, dirt, views, observations, size)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


def _check_place(out: Path, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not _is_ours(out):
        raise InputError(f"{out} is there and was not generated; give another place")
    if not force:
        raise InputError(f"{out} is there already; add --force to replace it")


def _is_ours(out: Path) -> bool:
    if out.is_dir():
        return (out / CONFIGURATION).is_file()
    try:
        with zipfile.ZipFile(out) as archive:
            return f"{TOP}/{CONFIGURATION}" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _switch(made: Path, out: Path, aside: Path) -> None:
    if out.is_dir():
        out.rename(aside / "before")
    made.rename(out)


def _pack(folder: Path, made: Path) -> None:
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in _files(folder):
            name = f"{TOP}/{file.relative_to(folder).as_posix()}"
            member = zipfile.ZipInfo(name, _FIXED_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            member.file_size = file.stat().st_size  # tells zipfile whether it needs Zip64
            with file.open("rb") as source, archive.open(member, "w") as target:
                shutil.copyfileobj(source, target, _BUFFER)


@dataclass(frozen=True)
class _Names:
    """Ids and names of everything, by number."""

    concept: list[str]
    concept_name: list[tuple[str, str]]
    field: list[str]
    course: list[str]
    course_name: list[str]
    video: list[str]
    school: list[str]
    teacher: list[str]
    learner: list[str]


def _names(world: World, config: SimulationConfig, seed: int) -> _Names:
    n_taught = config.concepts - world.topic_of.size
    fields = [field_name(number) for number in range(config.fields)]
    named = [concept_name(number) for number in range(n_taught)]
    named += [named[k] for k in world.topic_of]
    prefix = ["K_"] * n_taught + ["K_T_"] * world.topic_of.size
    concepts = [
        f"{begin}{name}_{fields[field]}"
        for begin, (name, _), field in zip(prefix, named, world.field_of_concept, strict=True)
    ]
    schools = [school_name(number)[0] for number in range(config.schools)]
    width = max(4, len(str(config.teachers)))
    middle = [
        row[row.size // 2]
        for row in np.split(world.course_concepts.indices, world.course_concepts.indptr[1:-1])
    ]
    return _Names(
        concept=concepts,
        concept_name=named,
        field=fields,
        course=[
            f"C_course-v1:{schools[school]}+{30_000_000 + int(shows):08d}X"
            f"+{2015 + number % 5}_T{1 + number % 2}_{number}"
            for number, (school, shows) in enumerate(
                zip(world.school_of_course, world.shows, strict=True)
            )
        ],
        course_name=[
            f"{named[concept][0]}{'导论' if number % 2 else '基础'}"
            for number, concept in enumerate(middle)
        ],
        video=[video_id(seed, number) for number in range(config.videos)],
        school=[f"S_{school}" for school in schools],
        teacher=[f"T_{number + 1:0{width}d}" for number in range(config.teachers)],
        learner=[f"U_{100_000 + 7 * number}" for number in range(config.learners)],
    )


def _write(
    folder: Path,
    world: World,
    config: SimulationConfig,
    seed: int,
    dirty: float,
    progress: Progress,
) -> tuple[dict[str, int], dict[tuple[str, str, str], int], int, int]:
    """All files below `folder`: rows, dirt, views and observations."""
    names = _names(world, config, seed)
    dirt: Counter[tuple[str, str, str]] = Counter()
    rows: dict[str, int] = {}
    shared = names.concept_name[world.topic_of[0]][0] if world.topic_of.size else None
    for sub in ("entities", "relations", "additional_information", "truth"):
        (folder / sub).mkdir(parents=True)

    @contextmanager
    def lines(path: str) -> Iterator["_Lines"]:
        with (folder / path).open("wb", buffering=_BUFFER) as stream:
            file = _Lines(stream, path, dirty, dirt, shared)
            yield file
            file.finish()
        rows[path] = file.rows

    def put(path: str, given: Iterable[Row]) -> None:
        with lines(path) as file:
            for row in given:
                file.put(row)

    for path, given in _entities(world, config, names):
        put(path, given)
    for path, pairs in _relations(world, names):
        put(path, pairs)
    put("additional_information/prerequisite_prediction.json", _predictions(world, names, seed))
    _write_truth(folder / "truth", world, names)
    views = observations = 0
    with ExitStack() as open_files:
        enter = open_files.enter_context
        user = enter(lines("entities/user.json"))
        user_course = enter(lines("relations/user-course.json"))
        user_video = enter(lines("relations/user-video.json"))
        act = enter(lines("additional_information/user_video_act.json"))
        mastery = enter(pq.ParquetWriter(folder / "truth/mastery.parquet", _MASTERY))
        for number, cohort in enumerate(cohorts(world, config, progress)):
            found = sittings(world, cohort, np.random.default_rng([seed, 2, number]))
            _write_learners(cohort, found, world, names, (user, user_course, user_video, act))
            _write_mastery(mastery, cohort, names)
            views += int(np.count_nonzero(cohort.watched.data))
            observations += cohort.watched.nnz
    progress("learners", config.learners, config.learners)
    described = {
        "seed": seed,
        "dirty": dirty,
        "config": config.to_dict(),
        "views": views,
        "observations": observations,
        "rows": rows,
        "packages": package_versions(),
    }
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / CONFIGURATION).write_text(text + "\n", encoding="utf-8")
    with (folder / "truth/dirt.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "table", "reason", "rows"))
        writer.writerows((*what, n) for what, n in sorted(dirt.items()))
    return rows, dict(dirt), views, observations


def _entities(
    world: World, config: SimulationConfig, names: _Names
) -> Iterator[tuple[str, Iterable[Row]]]:
    named = names.concept_name
    yield (
        "entities/concept.json",
        (
            {
                "id": names.concept[k],
                "name": named[k][0],
                "en": named[k][1],
                "explanation": f"学科：{names.field[field]}",
            }
            for k, field in enumerate(world.field_of_concept)
        ),
    )
    yield "entities/course.json", _courses(world, names)
    yield (
        "entities/school.json",
        (
            {"id": names.school[n], "name": school_name(n)[1], "about": ""}
            for n in range(config.schools)
        ),
    )
    yield (
        "entities/teacher.json",
        ({"id": teacher, "name": teacher, "about": ""} for teacher in names.teacher),
    )
    yield "entities/video.json", _videos(world, names)


def _courses(world: World, names: _Names) -> Iterator[Row]:
    for number, course in enumerate(names.course):
        videos = stored_in(world.course_items, number)
        concepts = stored_in(world.course_concepts, number)
        first, last = names.concept_name[concepts[0]][1], names.concept_name[concepts[-1]][1]
        yield {
            "id": course,
            "name": names.course_name[number],
            "prerequisites": "no prerequisites",
            "about": f"from {first} to {last}: {concepts.size} concepts in {videos.size} videos",
            "core_id": names.course[world.shows[number]],
            "video_order": [names.video[v] for v in videos],
            "display_name": [_video_name(world, names, v) for v in videos],
            "chapter": [f"第{1 + place // 6}章" for place in range(videos.size)],
        }


def _video_name(world: World, names: _Names, video: int) -> str:
    return "与".join(names.concept_name[k][0] for k in stored_in(world.q_matrix, video)[:2])


def _videos(world: World, names: _Names) -> Iterator[Row]:
    for number, video in enumerate(names.video):
        yield {
            "id": video,
            "name": _video_name(world, names, number),
            "start": [0],
            "end": [int(world.duration[number] * 1000)],
            "text": [
                "、".join(names.concept_name[k][0] for k in stored_in(world.q_matrix, number))
            ],
        }


def _relations(world: World, names: _Names) -> Iterator[tuple[str, Iterable[Row]]]:
    def pairs(
        left: Sequence[str], right: Sequence[str], at: Iterable[tuple[int, int]]
    ) -> Iterator[Row]:
        return ((left[i], right[j]) for i, j in at)

    def of(matrix: Any) -> Iterator[tuple[int, int]]:
        return (
            (row, column) for row in range(matrix.shape[0]) for column in stored_in(matrix, row)
        )

    predicted = _predicted(world)
    yield (
        "relations/concept-field.json",
        pairs(names.concept, names.field, enumerate(world.field_of_concept)),
    )
    yield (
        "relations/course-concept.json",
        pairs(names.course, names.concept, of(world.course_concepts)),
    )
    yield "relations/course-video.json", pairs(names.course, names.video, of(world.course_items))
    yield "relations/video-concept.json", pairs(names.video, names.concept, of(world.q_matrix))
    yield (
        "relations/parent-son.json",
        pairs(names.concept, names.concept, zip(world.broader, world.narrower, strict=True)),
    )
    told = zip(world.before[~predicted], world.after[~predicted], strict=True)
    yield "relations/prerequisite-dependency.json", pairs(names.concept, names.concept, told)
    yield (
        "relations/school-course.json",
        ((names.school[s], names.course[c]) for c, s in enumerate(world.school_of_course)),
    )
    yield (
        "relations/school-teacher.json",
        pairs(names.school, names.teacher, world.school_teachers),
    )
    yield (
        "relations/teacher-course.json",
        pairs(names.teacher, names.course, world.teacher_courses),
    )


def _predicted(world: World) -> Array:
    """(P,) which pairs the predictions tell: every second one whose names are no topic's too."""
    shared = np.isin(world.before, world.topic_of) | np.isin(world.after, world.topic_of)
    return ~shared & (np.arange(world.before.size) % 2 == 1)


def _predictions(world: World, names: _Names, seed: int) -> Iterator[Row]:
    """Predicted pairs, and after every fourth one that annotators took for none."""
    rng = np.random.default_rng([seed, 3])
    named = names.concept_name
    known = set(zip(world.before.tolist(), world.after.tolist(), strict=True))
    for number, at in enumerate(np.flatnonzero(_predicted(world))):
        p = round(float(rng.beta(6, 2)), 6)
        before, after = int(world.before[at]), int(world.after[at])
        yield _prediction(named[before][0], named[after][0], 1, p)
        if number % 4 == 3:
            other = int(rng.integers(world.prior.size - world.topic_of.size))
            if other != before and (before, other) not in known:
                yield _prediction(named[before][0], named[other][0], 0, round(1 - p, 6))


def _prediction(before: str, after: str, label: int, p: float) -> Row:
    return {"c1": before, "c2": after, "label": label, "predict": [round(1 - p, 6), p]}


def _write_learners(
    cohort: Cohort,
    found: Sittings,
    world: World,
    names: _Names,
    files: "tuple[_Lines, _Lines, _Lines, _Lines]",
) -> None:
    """The lines of these learners: who they are, their courses, videos and activities."""
    user, user_course, user_video, act = files
    begin = world.enrolment_start
    times = _times(world.enrolled_at[begin[cohort.first] : begin[cohort.last]])
    offset = begin[cohort.first]
    ends = np.searchsorted(found.row, np.arange(cohort.last - cohort.first + 1))
    texts = _activities(found, world, names)
    video_names = [names.video[v] for v in found.video]
    for number, (one, two) in enumerate(pairwise(ends)):
        u = cohort.first + number
        learner = names.learner[u]
        here = slice(begin[u], begin[u + 1])
        courses = [names.course[c] for c in world.enrolment_course[here]]
        enrolled = times[here.start - offset : here.stop - offset]
        user.put({"id": learner, "name": "", "course_order": courses, "enroll_time": enrolled})
        for course in courses:
            user_course.put((learner, course))
        seen = dict.fromkeys(video_names[one:two])
        for video in seen:
            user_video.put((learner, video))
        if seen:
            act.put_activities(learner, texts[one:two])


def _times(seconds: Ints) -> list[str]:
    text = np.datetime_as_string(seconds.astype("datetime64[s]"))
    return np.char.replace(text, "T", " ").tolist()


def _activities(found: Sittings, world: World, names: _Names) -> list[str]:
    """Each sitting as MOOCCube writes an activity."""
    return [
        f'{{"course_id": "{names.course[course]}", "video_id": "{names.video[video]}", '
        f'"watching_count": {count}, "video_duration": {duration}, '
        f'"local_watching_time": {elapsed:.0f}, "video_progress_time": {played:.2f}, '
        f'"video_start_time": 0.0, "video_end_time": {position:.2f}, '
        f'"local_start_time": "{starts}", "local_end_time": "{ends}"}}'
        for course, video, count, duration, elapsed, played, position, starts, ends in zip(
            found.course.tolist(),
            found.video.tolist(),
            found.count.tolist(),
            world.duration[found.video].tolist(),
            found.elapsed.tolist(),
            found.played.tolist(),
            found.position.tolist(),
            _times(found.starts),
            _times(found.ends),
            strict=True,
        )
    ]


_MASTERY = pa.schema(
    [
        pa.field("learner_id", pa.string(), nullable=False),
        pa.field("concept_id", pa.string(), nullable=False),
        pa.field("held", pa.bool_(), nullable=False),
    ]
)


def _write_mastery(writer: pq.ParquetWriter, cohort: Cohort, names: _Names) -> None:
    learner = np.repeat(
        np.arange(cohort.last - cohort.first, dtype=np.int32), np.diff(cohort.held.indptr)
    )
    columns = [
        pa.DictionaryArray.from_arrays(learner, names.learner[cohort.first : cohort.last]),
        pa.DictionaryArray.from_arrays(cohort.held.indices.astype(np.int32), names.concept),
        pa.array(cohort.held.data.astype(bool)),
    ]
    columns[:2] = [column.cast(pa.string()) for column in columns[:2]]
    writer.write_table(pa.table(columns, schema=_MASTERY))


def _write_truth(folder: Path, world: World, names: _Names) -> None:
    """What was planted, all but mastery."""
    n_videos = np.bincount(world.q_matrix.indices, minlength=world.prior.size)
    covered = n_videos > 0
    tables = {
        "video": {"video_id": names.video, "slip": world.slip, "guess": world.guess},
        "concept": {
            "concept_id": np.array(names.concept)[covered],
            "prior": world.prior[covered],
            "n_videos": n_videos[covered],
        },
        "prerequisite": {
            "before_id": [names.concept[k] for k in world.before],
            "after_id": [names.concept[k] for k in world.after],
            "wrong": world.wrong,
        },
        "learner": {"learner_id": names.learner, "idle": world.idle},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


class _Lines:
    """A file's lines; after every so many good ones, a bad one of the next kind.

    Attributes:
        rows: written, bad ones included; of the activities, the entries of the lists.
    """

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        dirty: float,
        dirt: Counter[tuple[str, str, str]],
        shared: str | None,
    ) -> None:
        self.rows = 0
        self._stream, self._path, self._dirty, self._dirt = stream, path, dirty, dirt
        self._kinds = _kinds(path, shared) if dirty else []
        self._table = _TABLE_OF.get(path, Path(path).stem.replace("-", "_"))
        self._debt, self._planted = 0.0, 0
        self._last: Any = None
        self._learner = ""

    def put(self, row: Row) -> None:
        """Write a good row, and what dirt is due."""
        self.rows += 1
        self._write(row)
        if self._dirty:
            if not isinstance(row, dict) or row.get("label", 1) == 1:
                self._last = row
            for _ in range(self._due()):
                self._write(self._bad())

    def put_activities(self, learner: str, activities: list[str]) -> None:
        """Write one learner's activities, and what dirt is due among them."""
        self.rows += len(activities)
        if self._dirty:
            self._learner = learner
            given, activities = activities, []
            for text in given:
                activities.append(text)
                self._last = text
                activities += [self._bad() for _ in range(self._due())]
        self._write_activities(learner, activities)

    def finish(self) -> None:
        """Plant what kinds have not had their turn."""
        if self._last is None:
            return
        left = [self._bad() for _ in range(self._planted, len(self._kinds))]
        if self._path == _ACTIVITIES:
            self._write_activities(self._learner, left)
            self._write(_CUT)
            self.rows += 1
            self._dirt[self._path, self._table, Reason.BROKEN_JSON.value] += 1
        else:
            for row in left:
                self._write(row)

    def _due(self) -> int:
        self._debt += self._dirty
        due = int(self._debt) if self._last is not None else 0
        self._debt -= due
        return due

    def _bad(self) -> Any:
        reason, make = self._kinds[self._planted % len(self._kinds)]
        self._planted += 1
        self.rows += 1
        self._dirt[self._path, self._table, reason.value] += 1
        return make(self._last)

    def _write(self, row: Any) -> None:
        self._stream.write(_as_line(row) + b"\n")

    def _write_activities(self, learner: str, activities: list[str]) -> None:
        listed = ", ".join(activities)
        self._stream.write(f'{{"id": "{learner}", "activity": [{listed}]}}\n'.encode())


def _as_line(row: Any) -> bytes:
    if isinstance(row, bytes):
        return row
    if isinstance(row, tuple):
        return "\t".join(row).encode()
    return json.dumps(row, ensure_ascii=False).encode()


_ACTIVITIES = "additional_information/user_video_act.json"
_PREDICTIONS = "additional_information/prerequisite_prediction.json"
_TABLE_OF = {
    "entities/user.json": "learner",
    "relations/concept-field.json": "field_concept",
    "relations/parent-son.json": "broader_concept",
    "relations/prerequisite-dependency.json": "prerequisite",
    "relations/user-course.json": "learner_course",
    "entities/video.json": "item",
    "relations/course-video.json": "course_item",
    "relations/user-video.json": "learner_item",
    "relations/video-concept.json": "item_concept",
    _PREDICTIONS: "prerequisite",
    _ACTIVITIES: "watch",
}
"""File -> the table that its rows go into, where the name does not say it."""

_CUT = b'{"id": "X_404", "name": "cut of'
_NOT_UTF8 = b"\xff\xfe not UTF-8"

Kind = tuple[Reason, Callable[[Any], Any]]


def _kinds(path: str, shared: str | None) -> list[Kind]:
    """The bad rows that a file can have, each made from a good one.

    Args:
        path: the file.
        shared: a name that a concept and a topic share, if there is one.
    """
    if path == _ACTIVITIES:
        return [
            (Reason.DUPLICATE, lambda text: text),
            (Reason.MISSING_FIELD, _changed(video_id="")),
            (Reason.DANGLING_ID, _changed(course_id="C_404")),
            (Reason.IMPOSSIBLE_TIME, _changed(video_duration=-1)),
            (Reason.IMPOSSIBLE_TIME, _changed(local_end_time="2001-01-01 00:00:00")),
            (Reason.BROKEN_ROW, _changed(watching_count="twice")),
        ]
    broken: list[Kind] = [
        (Reason.BROKEN_JSON, lambda _row: _CUT),
        (Reason.BROKEN_ROW, lambda _row: _NOT_UTF8),
    ]
    if path == _PREDICTIONS:
        found: list[Kind] = [
            *broken,
            (Reason.DUPLICATE, lambda row: row),
            (Reason.MISSING_FIELD, lambda row: {**row, "c2": ""}),
            (Reason.SELF_LOOP, lambda row: {**row, "c2": row["c1"]}),
            (Reason.UNRESOLVED_NAME, lambda row: {**row, "c2": "无此概念"}),
        ]
        if shared is not None:
            found.append((Reason.AMBIGUOUS_NAME, lambda row: {**row, "c2": shared}))
        return found
    if path.startswith("entities/"):
        return [
            *broken,
            (Reason.DUPLICATE, lambda row: {**row, "name": "another name"}),
            (Reason.MISSING_FIELD, lambda row: {**row, "id": ""}),
        ]
    kinds: list[Kind] = [
        (Reason.BROKEN_ROW, lambda row: row[0].encode()),
        (Reason.BROKEN_ROW, lambda _row: _NOT_UTF8),
        (Reason.DUPLICATE, lambda row: row),
        (Reason.MISSING_FIELD, lambda row: (row[0], "")),
        (Reason.DANGLING_ID, lambda row: ("X_404", row[1])),
    ]
    if _TABLE_OF.get(path) in ("broader_concept", "prerequisite"):
        kinds.append((Reason.SELF_LOOP, lambda row: (row[0], row[0])))
    return kinds


def _changed(**values: Any) -> Callable[[str], str]:
    """What writes an activity with other values."""
    return lambda text: json.dumps(json.loads(text) | values, ensure_ascii=False)
