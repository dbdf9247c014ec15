"""The service file: what ``dialer up`` starts."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from dialer.config.fields import CapSection, Section, Slug
from dialer.config.trunk import TrunkSection
from dialer.yamlfile import read_model


class QueueSection(Section):
    """One queue of agents."""

    name: Slug = Field(description="Slug. Required; campaigns name it.")
    pool: Slug = Field(default="main", description="Slug, default main. Pools share only trunks and the store.")


class ServiceFile(Section):
    """What ``dialer up`` starts."""

    data: Path = Field(default=Path("data"), description="Directory of all durable facts, default data. Back it up.")
    host: str = Field(default="127.0.0.1", description="Address of the API, default 127.0.0.1: open it knowingly.")
    port: int = Field(default=8000, ge=1, le=65_535, description="Port of the API, default 8000.")
    trunks: list[TrunkSection] = Field(default=[TrunkSection()], min_length=1, description="Default one, main.")
    queues: list[QueueSection] = Field(default=[], description="Queues and their pools, default none.")
    caps: list[CapSection] = Field(
        default=[], description="Attempt caps per number beside the legal ones, default none."
    )

    @model_validator(mode="after")
    def _names_once(self) -> ServiceFile:
        """Names identify."""
        for kind, names in (("trunk", [t.name for t in self.trunks]), ("queue", [q.name for q in self.queues])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                msg = f"{kind} {twice!r} is given twice; names must differ"
                raise ValueError(msg)
        return self


def load_service(path: Path) -> ServiceFile:
    """Read a service file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, ServiceFile)
