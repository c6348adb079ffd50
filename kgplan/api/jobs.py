"""Which long tasks run beside the service, how far are they, and how did they end?

A job is a `kgplan` command in a process of its own: nice, so that requests stay fast, and in a
session of its own, so that it outlives the service that started it. All that is known of it lies
in `KGPLAN_HOME/jobs/<id>/`, for any number of processes of the service to read:

    job.json     what was asked for, when, by whom
    pid          of its process, and of the group of all that this starts
    lock         locked by the process as long as it lives
    log.jsonl    what the command appends, see `kgplan.pipeline.tracking`
    output.txt   its standard output and error
    exit         the status that it ended with, where the service that started it was still there
    cancelled    when somebody cancelled it

The state is read off these and stored nowhere, so no crash can leave a wrong one behind.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import SecretStr

from kgplan.data.search import close_matches
from kgplan.errors import JobRunning, OtherSystem, UnknownJob
from kgplan.machine import HAS_UNIX, lock, locked
from kgplan.model.opening import name_of
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore, sweep_abandoned
from kgplan.store.files import is_time, make_private_folder, read_json, write_whole
from kgplan.store.stages import SWITCH, stages_of

State = Literal["queued", "running", "done", "failed", "cancelled"]
KEPT_JOBS = 100
NICENESS = 10
GRACE_SECONDS = 5.0  # from the request to end until the order to
SWITCHING = (0.06, 0.05)  # `Stage.work` of the switch, as measured on the sample
SPLIT_SHARE = 0.7  # of training: until the figures are taken; the last fit follows
USUAL_STEPS = 40  # of a stage that does not know how many it will take
HANDED_ON = (
    "graph",
    "graph_user",
    "graph_password",
    "graph_password_file",
    "graph_seconds",
    "graph_database",
)
SECRET = "KGPLAN_AUTH_SECRET"
ASKED = {"kind": str, "options": dict, "by": str, "created_at": str, "model_before": str}
LAST_WORDS = 300  # characters of its output that explain how a process died


@dataclass(frozen=True)
class Headway:
    """How far a command came, as its log tells.

    Attributes:
        stage: the one at work; the last one where all is done.
        progress: 0 to 1, by the stages' usual shares of the time; never falls.
        epoch, epochs, phase: of the training, as in `TrainingProgress`; None before it.
        validation_mrr: the last one measured.
        model_version: that it put into use.
        error, error_kind: the sentence and the class of what ended it; empty where nothing did.
        ended: whether it said that all is done.
    """

    stage: str | None = None
    progress: float = 0.0
    epoch: int | None = None
    epochs: int | None = None
    phase: str | None = None
    validation_mrr: float | None = None
    model_version: str | None = None
    error: str = ""
    error_kind: str = ""
    ended: bool = False


@dataclass(frozen=True)
class Job:
    """One job as it stands.

    Attributes:
        id: its name; later jobs have later names.
        kind: what it does.
        options: what was asked for.
        by: who asked.
        state: `queued` until the command says its first word.
        headway: how far it came.
        created_at, started_at, ended_at: ISO 8601, UTC; None where it is not so far.
        model_before: the model in use when it was asked for.
        error, error_kind: why it failed; empty where it did not.
    """

    id: str
    kind: str
    options: Mapping[str, Any]
    by: str
    state: State
    headway: Headway
    created_at: str
    started_at: str | None
    ended_at: str | None
    model_before: str
    error: str = ""
    error_kind: str = ""

    @property
    def at_work(self) -> bool:
        """Whether it has not ended."""
        return self.state in ("queued", "running")


def shares_of_time(warm: bool) -> dict[str, float]:
    """Stage of a re-embedding -> its usual share of the time, in the order of the stages."""
    work = {stage.name: stage.work[warm] for stage in stages_of("model")}
    work[SWITCH] = SWITCHING[warm]
    return {stage: part / sum(work.values()) for stage, part in work.items()}


def headway_of(lines: Sequence[Mapping[str, Any]], warm: bool = False) -> Headway:
    """How far a command came.

    Args:
        lines: of its log, in order.
        warm: whether it starts from the results in use.

    >>> round(headway_of([{"event": "stage", "stage": "diagnose"}]).progress, 1)
    0.7
    """
    shares = shares_of_time(warm)
    training = {stage.name for stage in stages_of("model") if stage.trains}
    values: dict[str, Any] = {}
    before, progress, stages = 0.0, 0.0, list(shares)
    for line in lines:
        event, within = line["event"], None
        if event == "stage":
            values["stage"] = line["stage"]
            passed = stages[: stages.index(line["stage"])] if line["stage"] in shares else stages
            before, within = sum(shares[stage] for stage in passed), 0.0
        elif event == "epoch":
            for key in ("epoch", "epochs", "phase"):
                values[key] = line[key]
            if line["validation_mrr"] is not None:
                values["validation_mrr"] = line["validation_mrr"]
            share = line["epoch"] / line["epochs"]
            refit = line["phase"] == "refit"
            within = SPLIT_SHARE + (1 - SPLIT_SHARE) * share if refit else SPLIT_SHARE * share
        elif event == "progress" and line["stage"] not in training:  # whose epochs tell more
            done, total = line["done"], line["total"]
            within = done / total if total else done / (done + USUAL_STEPS)
        elif event == "report" and line["stage"] == SWITCH:
            values["model_version"] = line["version"]
        elif event == "failed":
            values |= {"error": line["error"], "error_kind": line["kind"]}
        elif event == "end":
            values["ended"], progress = True, 1.0
        if within is not None:
            at = before + shares.get(values.get("stage", ""), 0.0) * min(1.0, within)
            progress = max(progress, at)
    return Headway(progress=round(min(1.0, progress), 4), **values)


@dataclass
class Jobs:
    """The jobs below one home.

    Args:
        settings: where the home, the graph and the results are; the commands get the same.
        command: begins the command line of a job.
    """

    settings: Settings
    command: Sequence[str] = field(default_factory=lambda: [sys.executable, "-m", "kgplan"])

    @property
    def root(self) -> Path:
        """The folder of all jobs."""
        return self.settings.home.absolute() / "jobs"

    def start(
        self,
        kind: str,
        options: Mapping[str, Any],
        arguments: Callable[[Path], Sequence[str]],
        by: str = "",
        model_before: str = "",
    ) -> Job:
        """Start a command, unless a job of its kind is at work.

        Args:
            kind, options, by, model_before: as in `Job`.
            arguments: given the job's folder, the command's; it may write into the folder.

        Raises:
            JobRunning: with the one that is at work.
            OtherSystem: this one hands no lock on to a process that it starts.
        """
        if not HAS_UNIX:
            raise OtherSystem(f"a job; run `kgplan {kind}` instead")
        make_private_folder(self.root)  # who asked for what, and what went wrong
        with locked(self.root / ".lock"):  # two requests may come at once
            for job in self.all():
                if job.kind == kind and job.at_work:
                    raise JobRunning(kind, job.id)
            self._forget_old()
            now = datetime.now(UTC)
            job_id = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}-{secrets.token_hex(3)}"
            folder = self.root / job_id
            folder.mkdir()
            asked = {
                "kind": kind,
                "options": dict(options),
                "by": by,
                "created_at": now.isoformat(timespec="milliseconds"),
                "model_before": model_before,
            }
            try:
                with locked(folder / "lock") as held:  # the process keeps it when we let go
                    note(folder / "job.json", json.dumps(asked, ensure_ascii=False))
                    process = self._run(folder, arguments(folder), held)
                    note(folder / "pid", str(process.pid))
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        note_exit = threading.Thread(
            target=lambda: note(folder / "exit", str(process.wait())),
            name=f"kgplan-job-{job_id}",
            daemon=True,
        )
        note_exit.start()
        return self.find(job_id)

    def _run(self, folder: Path, arguments: Sequence[str], held: int) -> "subprocess.Popen[bytes]":
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(held,),
                env=environment_of(self.settings),
            )
        with contextlib.suppress(OSError):  # ended already, or we are nicer ourselves
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return process

    def all(self) -> list[Job]:
        """Every job that is kept, the newest first."""
        found = [self._read(job_id) for job_id in self._ids()]
        return [job for job in found if job is not None]

    def find(self, job_id: str) -> Job:
        """One job.

        Raises:
            UnknownJob: there is none of this id.
        """
        job = self._read(job_id) if job_id in (ids := self._ids()) else None
        if job is None:
            raise UnknownJob(job_id, close_matches(job_id, np.array(ids, dtype=str)))
        return job

    def log(self, job_id: str, tail: int) -> list[str]:
        """The last lines of a job's log, each one JSON object.

        Raises:
            UnknownJob: there is none of this id.
        """
        self.find(job_id)
        return log_lines(self.root / job_id / "log.jsonl")[-tail:]

    def cancel(self, job_id: str) -> Job:
        """End a job's process and all that it started; one that has ended stays as it is.

        Returns:
            The job; `done` where it was faster.

        Raises:
            UnknownJob: there is none of this id.
        """
        job, folder = self.find(job_id), self.root / job_id
        if not job.at_work:
            return job
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        note(folder / "cancelled", now)
        for order in (signal.SIGTERM, signal.SIGKILL):
            # while it lives, its number is nobody else's
            if lives(folder) and (group := read_text(folder / "pid").strip()).isdecimal():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(group), order)
            deadline = time.monotonic() + GRACE_SECONDS
            while lives(folder) and time.monotonic() < deadline:
                time.sleep(0.02)
        if (drafts := self.settings.artifacts / ".drafts").is_dir():
            sweep_abandoned(drafts)
        return self.find(job_id)

    def _ids(self) -> list[str]:
        """The ids of all jobs, the newest first."""
        if not self.root.is_dir():
            return []
        return sorted((each.name for each in self.root.iterdir() if each.is_dir()), reverse=True)

    def _forget_old(self) -> None:
        """Make room for one more."""
        ended = [job.id for job in self.all() if not job.at_work]
        for job_id in ended[KEPT_JOBS - 1 :]:
            shutil.rmtree(self.root / job_id)

    def _read(self, job_id: str) -> Job | None:
        """One job; None while it is being made or removed, or where nobody can tell what it is."""
        folder = self.root / job_id
        asked = asked_for(read_text(folder / "job.json"))
        if asked is None:
            return None
        alive = lives(folder)  # before the log: what has ended writes no more
        lines = events_in(log_lines(folder / "log.jsonl"))
        headway = headway_of(lines, warm=bool(asked["options"].get("warm")))
        if headway.stage == SWITCH and not headway.ended and not alive:
            headway = self._after_the_switch(job_id, headway)
        cancelled = read_text(folder / "cancelled")
        state: State
        error, kind, ended_at = "", "", lines[-1]["at"] if lines else asked["created_at"]
        if headway.ended:
            state = "done"
        elif alive:
            state, ended_at = "running" if lines else "queued", None
        elif cancelled:
            state, ended_at = "cancelled", cancelled if is_time(cancelled) else ended_at
        else:
            state, error, kind = "failed", headway.error, headway.error_kind
            if not error:
                error, kind = how_it_died(folder), "JobDied"
        return Job(
            id=job_id,
            kind=asked["kind"],
            options=asked["options"],
            by=asked["by"],
            state=state,
            headway=headway,
            created_at=asked["created_at"],
            started_at=lines[0]["at"] if lines else None,
            ended_at=ended_at,
            model_before=asked["model_before"],
            error=error,
            error_kind=kind,
        )

    def _after_the_switch(self, job_id: str, headway: Headway) -> Headway:
        """As it was; or all done, where the process ended between the switch and its last word."""
        for switch in ArtifactStore(self.settings.artifacts).history():
            if switch.by.endswith(f"(job {job_id})"):
                version = name_of(switch.versions)
                return replace(headway, ended=True, progress=1.0, model_version=version)
        return headway


def asked_for(text: str) -> dict[str, Any] | None:
    """What a job's job.json says was asked for; None where it is not what `Jobs.start` wrote.

    >>> asked_for("[]") is None, asked_for('{"kind": "reembed"}') is None
    (True, True)
    """
    try:
        asked = read_json(text)
        kinds = {key: type(asked[key]) for key in ASKED}
    except (ValueError, KeyError, TypeError):
        return None
    return asked if kinds == ASKED and is_time(asked["created_at"]) else None


def events_in(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of a job's log that a command may have written.

    >>> events_in(['{"event": "end", "at": "2026-03-01T10:15:00Z"}', "[]", '{"event": "epoch"}'])
    [{'event': 'end', 'at': '2026-03-01T10:15:00Z'}]
    """
    found = []
    for line in lines:
        try:
            event = read_json(line)
            headway = headway_of([event])
        except (ValueError, KeyError, TypeError, ArithmeticError):
            continue
        texts = headway.stage, headway.phase, headway.model_version
        numbers = headway.epoch, headway.epochs, headway.validation_mrr
        fits = (
            is_time(event.get("at"))
            and all(each is None or isinstance(each, str) for each in texts)
            and all(each is None or isinstance(each, int | float) for each in numbers)
            and isinstance(headway.error, str)
            and isinstance(headway.error_kind, str)
        )
        if fits:
            found.append(event)
    return found


def how_it_died(folder: Path) -> str:
    """A sentence about a process that ended without a word in its log."""
    status = read_text(folder / "exit")
    if re.fullmatch(r"-\d{1,3}", status):
        number = int(status[1:])
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        how = f"was killed by {name}"
        if number == signal.SIGKILL:
            how += ", perhaps for want of memory"
    else:
        how = f"ended with status {status}" if status else "is gone"
    words = " ".join(read_text(folder / "output.txt").split())[-LAST_WORDS:]
    return (
        f"the job's process {how}; its last words: {words}"
        if words
        else (f"the job's process {how}, without a word")
    )


def lives(folder: Path) -> bool:
    """Whether a job's process, or one that it started, holds its lock."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not lock(handle, shared=True, wait=False)  # who looks is in nobody's way
    finally:
        os.close(handle)


def log_lines(path: Path) -> list[str]:
    """The whole lines of a log that somebody may be writing; none where there is no log."""
    return read_text(path).split("\n")[:-1]


def read_text(path: Path) -> str:
    """A file's text; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def note(path: Path, text: str) -> None:
    """Write one of a job's files; nothing where the job's folder is gone."""
    with contextlib.suppress(FileNotFoundError):
        write_whole(path, text)


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's environment, with what these settings say of the home and the graph.

    Without the secrets of tokens, which no job needs.
    """
    given = {key: value for key, value in os.environ.items() if not key.startswith(SECRET)}
    for name in HANDED_ON:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            given[f"KGPLAN_{name.upper()}"] = text
    return given | {"KGPLAN_HOME": str(settings.home.absolute())}
