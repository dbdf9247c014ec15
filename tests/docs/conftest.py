"""The tools that write documentation are scripts beside the package: they import each other by name."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture(scope="session")
def root():
    """The directory of the project."""
    return ROOT
