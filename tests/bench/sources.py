"""How long does each source take, and how much memory, when its files grow?

    python tests/bench/sources.py [--source mooccubex] [--rows 250000 1000000 4000000]

Each archive is made by a fixed rule, read by a process of its own, and removed. A line tells the
rows (events, or concepts and items where a source has no events), the size of the files, the
seconds, and the peaks of the process's memory and of its temporary files.
"""

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import threading
from contextlib import suppress
from itertools import chain
from pathlib import Path
from xml.sax.saxutils import escape

SIZES = (250_000, 1_000_000, 4_000_000)
SIZES_OF = {
    "openedx": (1_000, 10_000, 100_000),
    "moodle": (250_000, 1_000_000, 2_000_000),
    "case": (25_000, 100_000, 400_000),
}
COURSES, VIDEOS, PROBLEMS, CONCEPTS = 200, 8_000, 12_000, 20_000
LEARNER_EVENTS = 100
COURSE_ITEMS = 500
EXERCISES = range(835)


def mooccubex(folder, events):
    """Two thirds answers, one third views of three pieces each; three courses a learner."""
    chance = random.Random(16)
    concepts = [f"K_概念{n}_计算机科学与技术" for n in range(CONCEPTS)]
    _lines(
        folder / "entities/concept.json",
        ({"id": each, "name": each.split("_")[1], "context": "文" * 60} for each in concepts),
    )
    _lines(
        folder / "entities/course.json",
        (
            {"id": f"C_{course}", "name": f"课程{course}", "resource": _resources(course)}
            for course in range(COURSES)
        ),
    )
    _lines(
        folder / "entities/video.json",
        (
            {"ccid": f"{n:032x}", "name": f"视频{n}", "end": [300.0, 600.0]}
            for n in range(0, VIDEOS, 4)
        ),
    )
    _lines(
        folder / "entities/problem.json",
        ({"id": f"Pm_{n}", "title": "题", "content": "?" * 500} for n in range(PROBLEMS)),
    )
    _rows(folder / "relations/video_id-ccid.txt", ((f"V_{n}", f"{n:032x}") for n in range(VIDEOS)))
    _rows(
        folder / "relations/exercise-problem.txt",
        ((f"Ex_{n // 10}", f"Pm_{n}") for n in range(PROBLEMS)),
    )
    _rows(
        folder / "relations/concept-video.txt",
        ((chance.choice(concepts), f"{n:032x}") for n in range(VIDEOS) for _ in range(3)),
    )
    _rows(
        folder / "relations/concept-problem.txt",
        ((chance.choice(concepts), f"Pm_{n}") for n in range(PROBLEMS)),
    )
    _lines(
        folder / "prerequisites/cs.json",
        (
            {
                "c1": f"概念{chance.randrange(CONCEPTS)}",
                "c2": f"概念{chance.randrange(CONCEPTS)}",
                "ground_truth": chance.choice([-1, -1, -1, 0, 1]),
                "text_predict": [0.7, 0.3],
                "graph_predict": [chance.random(), chance.random()],
            }
            for _ in range(5 * CONCEPTS)
        ),
    )
    _lines(
        folder / "relations/user-problem.json",
        (
            {
                "log_id": f"{n // LEARNER_EVENTS}_{n}",
                "problem_id": f"Pm_{chance.randrange(PROBLEMS)}",
                "user_id": f"U_{n // LEARNER_EVENTS}",
                "is_correct": chance.randrange(2),
                "attempts": 1,
                "score": 1.0,
                "submit_time": f"2020-{n // 100_000 % 12 + 1:02}-{n // 3600 % 28 + 1:02}"
                f" {n // 60 % 24:02}:{n % 60:02}:00",
            }
            for n in range(events * 2 // 3)
        ),
    )
    _lines(
        folder / "relations/user-video.json",
        (
            {"user_id": f"U_{user}", "seq": [_visit(chance) for _ in range(LEARNER_EVENTS)]}
            for user in range(events // 3 // LEARNER_EVENTS)
        ),
    )

    _lines(
        folder / "entities/user.json",
        (
            {
                "id": f"U_{user}",
                "name": "学生",
                "course_order": [(user + n) % COURSES for n in range(3)],
                "enroll_time": [f"2020-0{n + 1}-01 00:00:00" for n in range(3)],
            }
            for user in range(events // LEARNER_EVENTS)
        ),
    )


def junyi(folder, events):
    """One CSV file of answers."""
    chance = random.Random(16)
    _rows(
        folder / "junyi_Exercise_table.csv",
        [("name", "prerequisites", "topic", "area")]
        + [
            (f"e{n}", f"e{n - 1}" if n % 9 else "", f"t{n // 20}", f"a{n // 200}")
            for n in EXERCISES
        ],
        ",",
    )
    answers = (
        (n // LEARNER_EVENTS, f"e{chance.choice(EXERCISES)}", 1_400_000_000_000_000 + n, "true")
        for n in range(events)
    )
    titles = [("user_id", "exercise", "time_done", "correct")]
    _rows(folder / "junyi_ProblemLog_original.csv", chain(titles, answers), ",")


def ednet(folder, events):
    """A file for each learner."""
    chance = random.Random(16)
    _rows(
        folder / "contents/questions.csv",
        [("question_id", "correct_answer", "tags")]
        + [(f"q{n}", "abcd"[n % 4], f"{n % 180};{n % 7}") for n in range(PROBLEMS)],
        ",",
    )
    titles = [("timestamp", "solving_id", "question_id", "user_answer", "elapsed_time")]
    for learner in range(events // LEARNER_EVENTS):
        answers = [
            (1_548_996_377_530 + n, n, f"q{chance.randrange(PROBLEMS)}", "a", 47000)
            for n in range(LEARNER_EVENTS)
        ]
        _rows(folder / f"KT1/u{learner}.csv", titles + answers, ",")


def _resources(course):
    videos, groups = VIDEOS // COURSES, PROBLEMS // 10 // COURSES
    ids = [("video", f"V_{course * videos + n}") for n in range(videos)]
    ids += [("exercise", f"Ex_{course * groups + n}") for n in range(groups)]
    return [{"resource_type": kind, "resource_id": id_, "titles": ["章"]} for kind, id_ in ids]


def _visit(chance):
    begun = chance.randrange(1_500_000_000, 1_600_000_000)
    return {
        "video_id": f"V_{chance.randrange(VIDEOS)}",
        "segment": [
            {
                "start_point": 100.0 * n,
                "end_point": 100.0 * n + chance.randrange(150),
                "speed": 1.0,
                "local_start_time": begun + 100 * n,
            }
            for n in range(3)
        ],
    }


def openedx(folder, items):
    """Courses as Studio packs them, of 500 items each: a video and an exercise a unit, tagged."""
    folder.mkdir()
    for course in range(items // COURSE_ITEMS):
        with tarfile.open(folder / f"course.{course}.tar.gz", "w:gz") as archive:
            for name, text in _olx(course):
                member = tarfile.TarInfo(f"course/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))


def _olx(course):
    yield "course.xml", f'<course url_name="2026" org="Uni" course="M{course}"/>'
    units = range(COURSE_ITEMS // 2)
    chapters = [units[at : at + 25] for at in range(0, len(units), 25)]
    below = "".join(f'<chapter url_name="c{n}"/>' for n in range(len(chapters)))
    yield "course/2026.xml", f'<course display_name="Course {course}">{below}</course>'
    tags = ['"Name","Type","ID","skills"']
    for n, chapter in enumerate(chapters):
        yield f"chapter/c{n}.xml", f'<chapter><sequential url_name="s{n}"/></chapter>'
        below = "".join(f'<vertical url_name="u{unit}"/>' for unit in chapter)
        yield f"sequential/s{n}.xml", f"<sequential>{below}</sequential>"
        for unit in chapter:
            below = f'<video url_name="v{unit}"/><problem url_name="p{unit}"/>'
            yield f"vertical/u{unit}.xml", f"<vertical>{below}</vertical>"
            yield f"video/v{unit}.xml", '<video><video_asset duration="300.5"/></video>'
            yield f"problem/p{unit}.xml", f"<problem>{'<p>Question</p>' * 200}</problem>"
            tags.append(f'"Unit","vertical","u{unit}","Skill {unit % 97}; Skill {unit % 89}"')
    yield "tags.csv", "\n".join(tags)


def _lines(path, records):
    _text(path, (json.dumps(each, ensure_ascii=False) + "\n" for each in records))


def _rows(path, rows, separator="\t"):
    _text(path, (separator.join(map(str, row)) + "\n" for row in rows))


def _text(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def tables(folder, events):
    """The plain tables: items of 200 courses, two concepts each, a chain of prerequisites."""
    chance = random.Random(16)
    concepts = [("concept_id", "name"), *((f"k{n}", f"Concept {n}") for n in range(CONCEPTS))]
    _rows(folder / "concepts.csv", concepts, ",")
    chain_of = [("before", "after"), *((f"k{n}", f"k{n + 1}") for n in range(CONCEPTS - 1))]
    _rows(folder / "prerequisites.csv", chain_of, ",")
    courses = [("course_id", "name"), *((f"c{n}", f"Course {n}") for n in range(COURSES))]
    _rows(folder / "courses.csv", courses, ",")
    items = [(f"i{n}", f"c{n % COURSES}", n // COURSES, "video", 300) for n in range(PROBLEMS)]
    head = ("item_id", "course_id", "position", "kind", "seconds")
    _rows(folder / "items.csv", [head, *items], ",")
    covered = ((f"i{n % PROBLEMS}", f"k{chance.randrange(CONCEPTS)}") for n in range(2 * PROBLEMS))
    _rows(folder / "item_concepts.csv", [("item_id", "concept_id"), *covered], ",")
    views = (
        (
            f"u{n // LEARNER_EVENTS}",
            f"i{chance.randrange(PROBLEMS)}",
            f"2026-03-{n % 28 + 1:02}T10:{n % 60:02}:00Z",
            round(chance.random(), 2),
        )
        for n in range(events)
    )
    titles = ("learner_id", "item_id", "time", "share")
    _rows(folder / "events.csv", chain([titles], views), ",")


def assistments(folder, events):
    """One CSV file of answers to problems of one skill."""
    chance = random.Random(16)
    problems = (chance.randrange(PROBLEMS) for _ in range(events))
    titles = ("order_id", "user_id", "problem_id", "original", "correct", "skill_id", "skill_name")
    answers = (
        (n, n // LEARNER_EVENTS, p, 1, chance.randrange(2), p % 120, f"Skill {p % 120}")
        for n, p in enumerate(problems)
    )
    _rows(folder / "skill_builder_data_corrected.csv", chain([titles], answers), ",")


def xes3g5m(folder, events):
    """Sequences by question, each of 200 places, and a tree of concepts."""
    chance = random.Random(16)
    names = {str(n): f"知识{n}" for n in range(865)}
    questions = {
        str(n): {"content": "题", "kc_routes": [f"知识{n % 20}----知识{20 + n % 845}"]}
        for n in range(7_652)
    }
    _lines(folder / "metadata/questions.json", [questions])
    _lines(folder / "metadata/kc_routes_map.json", [names])

    def sequences():
        yield "fold,uid,questions,concepts,responses,timestamps,selectmasks,is_repeat\n"
        for learner in range(events // 200):
            asked = [chance.randrange(7_652) for _ in range(200)]
            lists = (
                asked,
                (20 + n % 845 for n in asked),
                (chance.randrange(2) for _ in asked),
                (1_600_000_000_000 + 1_000 * n for n in range(200)),
                (1 for _ in asked),
                (0 for _ in asked),
            )
            yield f"0,{learner}," + ",".join(f'"{",".join(map(str, e))}"' for e in lists) + "\n"

    _text(folder / "question_level/train_valid_sequences_quelevel.csv", sequences())


def moocradar(folder, events):
    """Problems with three concepts each, and one JSON array of learners' sequences."""
    chance = random.Random(16)
    _lines(
        folder / "problem.json",
        (
            {
                "problem_id": f"Pm_{n}",
                "course_id": f"C_{n % COURSES}",
                "concepts": [f"概念{chance.randrange(CONCEPTS)}" for _ in range(3)],
                "detail": "{'title': '第一章', 'option': {'A': 'x'}}",
            }
            for n in range(PROBLEMS)
        ),
    )

    def learners():
        for learner in range(events // LEARNER_EVENTS):
            sequence = [
                {
                    "log_id": f"{learner}_{n}",
                    "problem_id": f"Pm_{chance.randrange(PROBLEMS)}",
                    "user_id": f"U_{learner}",
                    "is_correct": chance.randrange(2),
                    "submit_time": f"2020-05-{n % 28 + 1:02} 01:04:01",
                }
                for n in range(LEARNER_EVENTS)
            ]
            told = json.dumps({"user_id": f"U_{learner}", "seq": sequence})
            yield ("[" if not learner else ",") + "\n" + told
        yield "]\n"

    _text(folder / "student-problem-fine.json", learners())


def case(folder, events):
    """A framework of a tenth as many items, each below one before it and after another."""
    chance, items = random.Random(16), max(events // 10, 2)
    ids = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(items)]
    uri = "https://standards.example/ims/case/v1p0/CFItems/"

    def node(n):
        return {"title": f"Statement {n}", "identifier": ids[n], "uri": uri + ids[n]}

    def associations():
        for n in range(1, items):
            for kind in ("isChildOf", "precedes"):
                ends = (n, chance.randrange(n)) if kind == "isChildOf" else (chance.randrange(n), n)
                yield {
                    "associationType": kind,
                    "originNodeURI": node(ends[0]),
                    "destinationNodeURI": node(ends[1]),
                }

    package = {
        "CFDocument": {"identifier": "d", "title": "Standards", "language": "en"},
        "CFItems": [
            {"identifier": each, "fullStatement": f"Statement {n} " + "word " * 20}
            for n, each in enumerate(ids)
        ],
        "CFAssociations": list(associations()),
    }
    _lines(folder / "standards.json", [package])


def oneroster(folder, events):
    """Results on 12,000 line items of 200 classes, each aligned with two objectives."""
    chance = random.Random(16)
    head = ("sourcedId", "status", "dateLastModified")

    def table(name, columns, rows):
        whole = ((row[0], "", "", *row[1:]) for row in rows)
        _rows(folder / f"{name}.csv", chain([(*head, *columns)], whole), ",")

    table("courses", ["title"], ((c, f"Course {c}") for c in range(COURSES)))
    table("classes", ["title", "courseSourcedId"], ((c, c, c) for c in range(COURSES)))
    table(
        "lineItems",
        ["title", "dueDate", "classSourcedId", "resultValueMin", "resultValueMax"],
        ((n, f"Item {n}", "2026-02-01", n % COURSES, 0, 10) for n in range(PROBLEMS)),
    )
    table(
        "lineItemLearningObjectiveIds",
        ["lineItemSourcedId", "source", "learningObjectiveId"],
        ((n, n % PROBLEMS, "case", f"o{chance.randrange(CONCEPTS)}") for n in range(2 * PROBLEMS)),
    )
    columns = ["lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate"]
    table(
        "results",
        columns,
        (
            (
                f"r{n}",
                chance.randrange(PROBLEMS),
                f"u{n // LEARNER_EVENTS}",
                "fully graded",
                chance.randrange(11),
                f"2026-03-{n % 28 + 1:02}",
            )
            for n in range(events)
        ),
    )


def canvas(folder, events):
    """Live events on 12,000 assignments, each with three of 2,000 outcomes."""
    chance = random.Random(16)
    _lines(
        folder / "events.jsonl",
        (
            {
                "metadata": {"event_name": "learning_outcome_result_created", "producer": "canvas"},
                "body": {
                    "id": n,
                    "user_uuid": f"u{n // LEARNER_EVENTS}",
                    "learning_outcome_id": str((asset + chance.randrange(3)) % 2_000),
                    "associated_asset_type": "Assignment",
                    "associated_asset_id": str(asset),
                    "result_context_type": "Course",
                    "result_context_id": str(n % COURSES),
                    "score": chance.randrange(6),
                    "possible": 5,
                    "assessed_at": f"2026-03-{n % 28 + 1:02}T10:00:00Z",
                },
            }
            for n in range(events)
            for asset in (chance.randrange(PROBLEMS),)
        ),
    )


def moodle(folder, events):
    """A course of an activity for every 250 events, each restricted by the one before it."""
    activities = max(events // 250, 1)
    listed = "".join(
        f"<activity><moduleid>{n}</moduleid><title>Quiz {n}</title></activity>"
        for n in range(1, activities + 1)
    )
    _text(
        folder / "moodle_backup.xml",
        [
            "<moodle_backup><information><original_course_id>1</original_course_id>"
            f"<contents><activities>{listed}</activities></contents></information></moodle_backup>"
        ],
    )
    sequence = ",".join(str(n) for n in range(1, activities + 1))
    _text(
        folder / "sections/section_1/section.xml",
        [f"<section id='1'><number>1</number><sequence>{sequence}</sequence></section>"],
    )
    for n in range(1, activities + 1):
        own = folder / f"activities/quiz_{n}"
        condition = json.dumps({"op": "&", "c": [{"type": "completion", "cm": n - 1, "e": 1}]})
        _text(
            own / "module.xml",
            [
                f"<module id='{n}'><modulename>quiz</modulename><visible>1</visible>"
                f"<availability>{escape(condition)}</availability></module>"
            ],
        )
        _text(
            own / "competencies.xml",
            [
                "<course_module_competencies><competencies><competency><idnumber>"
                f"{n}</idnumber><frameworkidnumber>F</frameworkidnumber></competency>"
                "</competencies></course_module_competencies>"
            ],
        )


MADE = {
    "tables": tables,
    "mooccubex": mooccubex,
    "junyi": junyi,
    "ednet": ednet,
    "assistments": assistments,
    "xes3g5m": xes3g5m,
    "moocradar": moocradar,
    "openedx": openedx,
    "case": case,
    "oneroster": oneroster,
    "canvas": canvas,
    "moodle": moodle,
}

READ = """
import resource, sys, tempfile, time
from pathlib import Path
from kgplan.etl.extract import extract
begun = time.monotonic()
report = extract(Path(sys.argv[1]), Path(sys.argv[2]), memory_limit=sys.argv[3])
seconds = time.monotonic() - begun
tables = report.tables
rows = tables["answer"] + tables["learner_item"] or tables["concept"] + tables["item"]
used = resource.getrusage(resource.RUSAGE_SELF)
print(f"{rows} {seconds} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
"""


def measured(name, rows, memory):
    """Rows kept; MB of the files; seconds, and those of a processor; peak MB of memory and of
    temporary files."""
    with tempfile.TemporaryDirectory() as place:
        source, out, spill = (Path(place) / part for part in ("source", "out", "spill"))
        out.mkdir(), spill.mkdir()
        MADE[name](source, rows)
        (Path(place) / "read.py").write_text(READ, encoding="utf-8")
        size = _size(source)
        peak, ended = [0.0], threading.Event()

        def watch():
            while not ended.wait(0.2):
                peak[0] = max(peak[0], _size(spill))

        watching = threading.Thread(target=watch)
        watching.start()
        done = subprocess.run(
            [sys.executable, Path(place) / "read.py", source, out, memory],
            env={**os.environ, "TMPDIR": str(spill)},
            capture_output=True,
            text=True,
            check=True,
        )
        ended.set()
        watching.join()
        kept, *figures = done.stdout.split()
        return int(kept), size, *map(float, figures), peak[0]


def _size(folder):
    found = 0
    for place, _, names in os.walk(folder):  # which passes over a folder that is gone
        for name in names:
            with suppress(OSError):  # gone meanwhile
                found += os.stat(os.path.join(place, name)).st_size
    return found / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", choices=list(MADE), action="append")
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--memory", default="2GB", help="that DuckDB may hold")
    asked = parser.parse_args()
    for name in asked.source or MADE:
        for rows in asked.rows or SIZES_OF.get(name, SIZES):
            kept, size, seconds, busy, memory, spilled = measured(name, rows, asked.memory)
            print(
                f"{name}: {kept:,} rows, {size:.1f} MB of files, {seconds:.1f} s"
                f" ({busy:.1f} s of a processor), peak memory {memory:.0f} MB, temporary files"
                f" {spilled:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
