"""Who administrated, exported or erased, when, and how did it end? A log of JSON lines.

Each line is appended by one write (O_APPEND), so several processes may share the file. Learners
stand in it as SHA-256 of their id, as in `erased_learner`: the log outlives their erasure.
"""

import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request

from kgplan.api.problems import problem_name
from kgplan.api.telemetry.context import context_of
from kgplan.api.tokens import access_of
from kgplan.errors import AuditUnavailable, ConfigError, KgplanError
from kgplan.store.events.erasure import hash_of

log = logging.getLogger(__name__)


class AuditLog:
    """Appends lines to a file that only its owner reads.

    Args:
        path: where; the file is made where it is not there.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            self._on_disk = stat.S_ISREG(os.fstat(self._file).st_mode)  # else a pipe, as of a log
        except OSError as error:
            raise ConfigError(
                f"KGPLAN_AUDIT is {str(path)!r}, which cannot be written: {error.strerror};"
                " name a file in a folder of the service's user"
            ) from None

    def write(self, line: dict[str, Any]) -> None:
        """Append a line and see it to the disk.

        Raises:
            AuditUnavailable: the line is not, or not whole, in the file.
        """
        text = json.dumps(line, ensure_ascii=False) + "\n"
        sent = text.encode(errors="backslashreplace")  # half a character becomes its JSON escape
        try:
            written = os.write(self._file, sent)
            if self._on_disk:
                os.fsync(self._file)
        except OSError as error:
            raise AuditUnavailable(
                f"the audit log cannot be written: {error.strerror}; make room, or name another"
                " in KGPLAN_AUDIT"
            ) from None
        if written < len(sent):
            raise AuditUnavailable("the audit log's last line is cut short; make room on its disk")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def hashed(learner_id: str) -> str:
    """A learner's name in the log, the same as in `erased_learner`."""
    whole = learner_id.encode(errors="backslashreplace").decode()
    return f"sha256:{hash_of(whole)}"


def audit(
    request: Request,
    action: str,
    target: str = "",
    outcome: str = "done",
    **details: Any,
) -> None:
    """Write one line about an operation; nothing where the application keeps no audit log.

    Args:
        request: whose sender and id are written.
        action: what was done, such as `refresh-model`.
        target: what it was done to; a learner by `hashed`.
        outcome: `done`, `begun`, `refused: <problem>` or `failed: <problem>`.
        details: further JSON values.

    Raises:
        AuditUnavailable: the line cannot be written.
    """
    kept: AuditLog | None = request.app.state.audit
    if kept is None:
        return
    access, context = access_of(request.scope), context_of(request.scope)
    learners = access.learner_id is not None
    kept.write(
        {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": context.request_id if context else None,
            "subject": hashed(access.subject) if learners else access.subject,
            "learner_token": learners,
            "action": action,
            "target": target,
            "outcome": outcome,
            **details,
        }
    )


@contextmanager
def audited(request: Request, action: str, target: str = "", **details: Any) -> Iterator[None]:
    """Write that the block begins, and when it has ended, how.

    Raises:
        AuditUnavailable: that it begins cannot be written; the block is not entered.
    """
    audit(request, action, target, "begun", **details)
    try:
        yield
    except BaseException as error:
        name = problem_name(error) if isinstance(error, KgplanError) else "internal"
        _audit_end(request, action, target, f"failed: {name}", **details)
        raise
    _audit_end(request, action, target, "done", **details)


def _audit_end(request: Request, action: str, target: str, outcome: str, **details: Any) -> None:
    """Write how it ended; where that fails, it is done all the same, and its begin is written."""
    try:
        audit(request, action, target, outcome, **details)
    except AuditUnavailable as error:
        log.error("%s: %s, and no line in the audit log says so: %s", action, outcome, error)
