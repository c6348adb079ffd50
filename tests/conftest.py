"""Archives that several tests read; they must not change them."""

from pathlib import Path

import miniature
import pytest


@pytest.fixture(scope="session")
def mini_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean MOOCCube folder, see miniature.MINI."""
    return miniature.write_folder(tmp_path_factory.mktemp("mini"), miniature.MINI)


@pytest.fixture(scope="session")
def dirty_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with dirt in every file, see miniature.DIRT."""
    return miniature.write_folder(tmp_path_factory.mktemp("dirty"), miniature.dirty_files())


@pytest.fixture(scope="session")
def sample_source() -> Path:
    """The real sample that the repository carries."""
    return Path(__file__).parent.parent / "data" / "mooccube-cs.zip"
