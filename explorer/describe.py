"""Print the service's description, for the explorer's types: `python explorer/describe.py`."""

import json
import sys
from typing import cast

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper

if __name__ == "__main__":
    nothing_served = cast(Keeper, None)  # a description needs no model
    json.dump(create_app(nothing_served).openapi(), sys.stdout, ensure_ascii=False)
