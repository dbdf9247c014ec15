"""A bounded memory of transitions, so that an error can tell how it came to this."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Story:
    """The last transitions of one entity."""

    lines: deque[tuple[int, str, str, str]] = field(default_factory=lambda: deque(maxlen=16))

    def note(self, now_us: int, before: str, event: str, after: str) -> None:
        """Remember one transition."""
        self.lines.append((now_us, before, event, after))

    def told(self) -> tuple[str, ...]:
        """Oldest first, one line each."""
        return tuple(f"{at} {before} --{event}--> {after}" for at, before, event, after in self.lines)
