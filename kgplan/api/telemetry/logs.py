"""How does the service write what happens? One line each: JSON for machines, or readable.

Everything that uses Python's logging goes this way, uvicorn and Alembic too. Lines about requests
are made by the middleware and skip logging's machinery, which would cost more than the rest of the
middleware together.
"""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, get_args

import structlog
from structlog.typing import Processor

from kgplan.api.telemetry.context import CURRENT

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]
Fields = MutableMapping[str, Any]
LineSink = Callable[[LogLevel, Fields], None]
"""Takes a level and the fields of one line; `event` is among them."""
TOLD = "_kgplan_told"  # set on an exception whose traceback the log has


def set_up_logging(
    form: LogFormat = "auto", level: LogLevel = "info", stream: TextIO | None = None
) -> LineSink:
    """Send all log lines of this process one way.

    Args:
        form: `auto` is `console` on a terminal and `json` elsewhere.
        level: lines below it are left out.
        stream: where lines go; standard error where None.

    Returns:
        Writes the lines that are not made by Python's logging: those about requests.
    """
    out = stream or sys.stderr
    readable = form == "console" or (form == "auto" and out.isatty())
    shared: list[Processor] = [with_request_id, with_time]
    render: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=out.isatty())]
        if readable
        else [structlog.processors.format_exc_info, as_json]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handler.addFilter(not_told_before)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    logging.getLogger("alembic").setLevel(max(root.level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        ours = logging.getLogger(name)
        ours.handlers.clear()
        ours.propagate = True
        ours.setLevel(logging.NOTSET)
    levels = get_args(LogLevel)
    written = frozenset(levels[levels.index(level) :])

    def write(at: LogLevel, fields: Fields) -> None:
        if at not in written:
            return
        line: Any = {"level": at, **fields}
        for process in (*shared, *render):
            line = process(None, at, line)
        handler.acquire()  # lines of other threads come before or after, not in between
        try:
            out.write(line + "\n")
            out.flush()
        finally:
            handler.release()

    return write


def with_request_id(_logger: Any, _method: str, fields: Fields) -> Fields:
    """Name the request that the line is about, where it is about one."""
    context = CURRENT.get()
    if context is not None and "request_id" not in fields:
        fields["request_id"] = context.request_id
    return fields


def with_time(_logger: Any, _method: str, fields: Fields) -> Fields:
    """Say when, to the millisecond, in UTC."""
    fields["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return fields


def as_json(_logger: Any, _method: str, fields: Fields) -> str:
    """One JSON object, time and level first; what JSON does not know becomes text.

    >>> as_json(None, "info", {"event": "ready", "timestamp": "2026-03-01", "level": "info"})
    '{"timestamp": "2026-03-01", "level": "info", "event": "ready"}'
    """
    first = {name: fields.pop(name) for name in ("timestamp", "level", "event") if name in fields}
    return json.dumps({**first, **fields}, ensure_ascii=False, default=str)


def not_told_before(record: logging.LogRecord) -> bool:
    """Leave out the server's repetition of a fault that the middleware has logged."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name != "uvicorn.error" or not getattr(error, TOLD, False)
