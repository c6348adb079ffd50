"""The engine of mappings reads each text once in a process: reading is most of a small run."""

from collections.abc import Callable
from pathlib import Path

import pytest


def read_once(run_engine: Callable[..., set[str]]) -> Callable[..., set[str]]:
    """The same as `run_engine` of kgplan.etl.map; commands in processes of their own read anew."""
    read: dict[bytes, tuple] = {}

    def run(mapping, rows) -> set[str]:
        from morph_kgc.mapping.mapping_parser import MappingParser  # takes seconds

        parse = MappingParser._parse_data_source_mapping_files

        def parsed(parser: MappingParser, section: str) -> tuple:
            (path,) = parser.config.get_mappings_files(section)
            text = Path(path).read_bytes()
            if text not in read:
                read[text] = parse(parser, section)
            return tuple(frame.copy() for frame in read[text])

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(MappingParser, parse.__name__, parsed)
            return run_engine(mapping, rows)

    return run
