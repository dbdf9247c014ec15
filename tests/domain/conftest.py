"""Makes the worlds that several tests of one machine play on importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
