"""Who brings simulated learners furthest? All simulators, as tables of one page.

    python tests/bench/simulators.py [--answers FOLDER] [--only TITLE ...] [--write]

Each section is what one `kgplan simulate` prints, with the command above it; the model in use must
be that of the sample. `--answers` holds test.csv and q.csv of ASSISTments 2009-10; without, those
sections are left out. `--only` takes some sections, the others stay. `--write` writes
docs/experiments/simulators.md (`make simulate`), and the same as simulators.json, which
`kgplan experiment page` reads.
"""

import argparse
import io
import json
import shlex
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import typer

from kgplan.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "experiments" / "simulators.md"
DATA = PAGE.with_suffix(".json")
BEGIN = "<!-- make simulate: begin -->\n"
DATA_STRUCTURES = "C_course-v1:TsinghuaX+30240184+sp"
NETWORKS = "C_course-v1:UST+UST001+sp"
RULES = "random,random-goal,popularity,order,topological,a-star,kg-plppm-truth,kg-plppm"
OURS = "gain,passes,passes-tried"
FEW = "random-goal,kg-plppm,gain,passes,passes-tried"
SIZE = "--learners 200 --seeds 5"
LEARNED = "--steps 20 --contestants random-goal,passes,dqn,ppo --learners 200 --seeds 1"
SECTIONS = (
    ("Ten made-up concepts", f"--contestants {RULES},{OURS} {SIZE}"),
    (
        "Prerequisites of 数据结构",
        f"--simulator kss-course --course {DATA_STRUCTURES} --contestants {RULES},{OURS} {SIZE}",
    ),
    (
        "Prerequisites of 网络技术与应用",
        f"--simulator kss-course --course {NETWORKS} --contestants {RULES},{OURS} {SIZE}",
    ),
    (
        "Views of 数据结构",
        f"--simulator mooc --course {DATA_STRUCTURES} --contestants {RULES},{OURS} {SIZE}",
    ),
    ("A graph like Junyi's", f"--graph junyi-like --contestants {RULES},gain,passes {SIZE}"),
    (
        "A graph like Metacademy's",
        f"--graph metacademy-like --contestants {RULES},gain,passes {SIZE}",
    ),
    (
        "KG-PLPPM's protocol on 数据结构",
        f"--simulator vdina --course {DATA_STRUCTURES} --contestants random,random-goal,popularity,"
        "order,topological,a-star,kg-plppm,gain,passes --learners 40 --seeds 5",
    ),
    ("Strength of prerequisites", f"--sweep strength=0,0.25,0.5,1 --contestants {FEW} {SIZE}"),
    ("Wrong prerequisites", f"--sweep wrong=0,0.1,0.2,0.4 --contestants {FEW} {SIZE}"),
    ("Missing ones", f"--sweep missing=0,0.1,0.2,0.4 --contestants {FEW} {SIZE}"),
    (
        "Slips and forgetting",
        f"--set slip=0.1 --set forget=0.02 --steps 20 --contestants {FEW} {SIZE}",
    ),
    ("Practice counts near the last only", f"--set local=true --contestants {FEW} {SIZE}"),
    ("Learned from rewards", LEARNED),
    (
        "Learned from rewards, prerequisites of 数据结构",
        f"--simulator kss-course --course {DATA_STRUCTURES} {LEARNED}",
    ),
    (
        "Learned from rewards, views of 数据结构",
        f"--simulator mooc --course {DATA_STRUCTURES} {LEARNED}",
    ),
)
FILES = "--simulator kes --responses {answers}/test.csv --q-matrix {answers}/q.csv"
ANSWERS = (
    (
        "Answers of ASSISTments 2009-10",
        f"{FILES} --contestants random,random-goal,popularity,a-star,kg-plppm,passes,passes-tried"
        " --learners 150 --seeds 3 --steps 5,20",
    ),
    ("Learned from rewards, answers of ASSISTments", f"{FILES} {LEARNED}"),
)


def section(title: str, arguments: str, shown: str) -> tuple[str, dict[str, Any]]:
    """What the command prints, under its heading; and what it saves."""
    out, said = io.StringIO(), io.StringIO()
    with (
        tempfile.NamedTemporaryFile(suffix=".json") as file,
        redirect_stdout(out),
        redirect_stderr(said),
    ):
        command = ["simulate", *shlex.split(arguments), "--markdown", "--out", file.name]
        typer.main.get_command(app).main(command, standalone_mode=False)
        saved = json.loads(Path(file.name).read_text(encoding="utf-8"))
    lines = said.getvalue().splitlines()
    notes = [line.removeprefix("note: ") for line in lines if line.startswith("note: ")]
    made = f"`kgplan simulate {shown}`, {date.today()}:"
    parts = [f"## {title}", made, *([" \n".join(notes)] if notes else []), out.getvalue()]
    about = {"title": title, "arguments": shown, "made": f"{date.today()}"}
    return "\n\n".join(parts), {**about, **saved}


def put(title: str, text: str, saved: dict[str, Any]) -> None:
    """Put a section into page and data, in place of the one of its title, or at the end."""
    runs = {}
    if DATA.exists():
        earlier = json.loads(DATA.read_text(encoding="utf-8"))["runs"]
        runs = {each["title"]: each for each in earlier}
    runs[title] = saved
    data = {"runs": list(runs.values())}
    DATA.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    head, _, old = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    sections = {part.partition("\n")[0]: part for part in old.split("\n## ")[1:]}
    sections[title] = text.removeprefix("## ").rstrip() + "\n"
    parts = [f"## {part.rstrip()}\n" for part in sections.values()]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(parts), encoding="utf-8")


def main() -> None:
    """Run, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=Path, help="folder of test.csv and q.csv")
    parser.add_argument("--only", action="append", help="title of a section; may be repeated")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {DATA.name}")
    given = parser.parse_args()
    sections = [(title, arguments, arguments) for title, arguments in SECTIONS]
    if given.answers:
        sections += [
            (title, text.format(answers=given.answers), text.format(answers="assist0910"))
            for title, text in ANSWERS
        ]
    for title, arguments, shown in sections:
        if given.only and title not in given.only:
            continue
        text, saved = section(title, arguments, shown)
        print(text, flush=True)
        if given.write:
            put(title, text, saved)


if __name__ == "__main__":
    main()
