"""Print what the explorer is told at its making: `python explorer/describe.py api|options`."""

import json
import sys
from typing import Any, cast

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE
from kgplan.planning.options import OPTIONS


def description() -> dict[str, Any]:
    """The service's, for the explorer's types."""
    nothing_served = cast(Keeper, None)  # a description needs no model
    return create_app(nothing_served).openapi()


def bounds() -> dict[str, Any]:
    """Of a plan's options the least, the usual and the most; bits that say too little."""
    of_options = {
        each.name: {
            "least": each.option.low,
            "usual": each.default,
            "most": each.option.high,
        }
        for each in OPTIONS
        if each.option.low is not None
    }
    return of_options | {"weak_evidence": WEAK_EVIDENCE}


if __name__ == "__main__":
    if sys.argv[1:] == ["options"]:
        json.dump(bounds(), sys.stdout, indent=2)
        print()
    else:
        json.dump(description(), sys.stdout, ensure_ascii=False)
