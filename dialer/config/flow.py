"""The flow file: what a person who answers hears and may do, as an operator writes it.

A flow is also a section of a campaign file, ``call_flow``. Steps stand under their names, each with its ``kind``; every
way out of a step names the step that follows.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dialer.config.fields import Section, Slug
from dialer.domain import flow as f
from dialer.domain.flow_check import flow_errors
from dialer.domain.specs import SECOND_US
from dialer.yamlfile import read_model


def _text_keys(value: Any) -> Any:
    """YAML reads an unquoted 1 as a number, and an unquoted yes as true."""
    if isinstance(value, dict) and any(isinstance(key, bool) for key in value):
        msg = "yes, no, on and off must stand in quotes"
        raise ValueError(msg)
    return {str(key): to for key, to in value.items()} if isinstance(value, dict) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Branches = Annotated[dict[str, Name], BeforeValidator(_text_keys)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


def _us(seconds: float) -> int:
    return round(seconds * SECOND_US)


class PlaySection(Section):
    """Play a recording."""

    kind: Literal["play"]
    prompt: str = Field(description="Name of the recording. Required.")
    next: Name = Field(description="Step that follows. Required.")

    def to_domain(self, name: str) -> f.PlayStep:
        """The step."""
        return f.PlayStep(name, self.prompt, self.next)


class SaySection(Section):
    """Speak a text."""

    kind: Literal["say"]
    text: str = Field(description="What is spoken; {phone} and names of earlier steps are filled in. Required.")
    next: Name = Field(description="Step that follows. Required.")

    def to_domain(self, name: str) -> f.SayStep:
        """The step."""
        return f.SayStep(name, self.text, self.next)


class GatherSection(Section):
    """Ask a question and take digits."""

    kind: Literal["gather"]
    prompt: str = Field(default="", description="Recording that asks. This or text.")
    text: str = Field(default="", description="Text that asks. This or prompt.")
    branches: Branches = Field(default={}, description="Step by digits, for example 1: confirmed.")
    any_digits: Name | None = Field(default=None, description="Step for all other digits, if min_digits are there.")
    otherwise: Name = Field(description="Step when all attempts are used up. Required.")
    min_digits: int = Field(default=1, description="Fewest digits for any_digits, default 1.")
    max_digits: int = Field(default=1, description="Most digits, 1 to 20, default 1: the answer is complete then.")
    end_key: Literal["", "#", "*"] = Field(default="", description="Key that completes an answer, default none.")
    attempts: int = Field(default=3, description="How often it is asked in one call, 1 to 10, default 3.")
    first_s: Seconds = Field(default=5, description="Seconds until the first digit, default 5.")
    between_s: Seconds = Field(default=3, description="Seconds between two digits, default 3.")

    def to_domain(self, name: str) -> f.GatherStep:
        """The step."""
        return f.GatherStep(
            name,
            self.otherwise,
            tuple(self.branches.items()),
            self.prompt,
            self.text,
            self.any_digits or "",
            self.min_digits,
            self.max_digits,
            self.end_key,
            self.attempts,
            _us(self.first_s),
            _us(self.between_s),
        )


class BranchSection(Section):
    """Go on by the result of an earlier step."""

    kind: Literal["branch"]
    of: Name = Field(description="Step whose digits or answer decide. Required.")
    branches: Branches = Field(description="Step by value. Required.")
    otherwise: Name = Field(description="Step for every other value. Required.")

    def to_domain(self, name: str) -> f.BranchStep:
        """The step."""
        return f.BranchStep(name, self.of, tuple(self.branches.items()), self.otherwise)


class CountSection(Section):
    """Go one way a number of times, then another."""

    kind: Literal["count"]
    times: int = Field(description="Visits in one call, 1 to 10. Required.")
    again: Name = Field(description="Step for these visits. Required.")
    next: Name = Field(description="Step for all later ones. Required.")

    def to_domain(self, name: str) -> f.CountStep:
        """The step."""
        return f.CountStep(name, self.times, self.again, self.next)


class RecordSection(Section):
    """Record what the callee says."""

    kind: Literal["record"]
    next: Name = Field(description="Step that follows. Required.")
    limit_s: Seconds = Field(default=60, description="Longest recording in seconds, default 60.")
    silence_s: Seconds = Field(default=3, description="Seconds of silence that end it, default 3.")
    beep: bool = Field(default=True, description="Whether a tone says that it begins, default true.")

    def to_domain(self, name: str) -> f.RecordStep:
        """The step."""
        return f.RecordStep(name, self.next, _us(self.limit_s), _us(self.silence_s), self.beep)


class WebhookSection(Section):
    """Ask an automation by HTTP."""

    kind: Literal["webhook"]
    url: str = Field(description="https:// or http://; placeholders in path and query are percent-encoded. Required.")
    fields: dict[str, str] = Field(default={}, description="What is posted as JSON, texts with placeholders.")
    next: Name = Field(description="Step after an answer. Required.")
    failed: Name = Field(description="Step when there is none. Required.")
    timed_out: Name | None = Field(default=None, description="Step when it takes too long, default as failed.")
    timeout_s: Seconds = Field(default=5, description="Seconds the callee waits for it, 0.5 to 30, default 5.")

    def to_domain(self, name: str) -> f.WebhookStep:
        """The step."""
        fields = tuple(self.fields.items())
        return f.WebhookStep(name, self.url, self.next, self.failed, self.timed_out or "", fields, _us(self.timeout_s))


class QueueSection(Section):
    """Hand the callee to an agent of a queue."""

    kind: Literal["queue"]
    queue: Slug = Field(description="Queue whose longest idle agent takes the call. Required.")
    music: str = Field(default="", description="Recording that is repeated meanwhile, default silence.")
    limit_s: Seconds = Field(default=60, description="Longest wait in seconds, default 60.")
    nobody: Name = Field(description="Step when nobody came. Required.")

    def to_domain(self, name: str) -> f.QueueStep:
        """The step."""
        return f.QueueStep(name, self.queue, self.nobody, self.music, _us(self.limit_s))


class OptOutSection(Section):
    """Put the number on a do-not-call list at once."""

    kind: Literal["opt_out"]
    dnc_list: Slug = Field(description="One of the campaign's dnc_lists. Required.")
    next: Name = Field(description="Step that follows. Required.")

    def to_domain(self, name: str) -> f.OptOutStep:
        """The step."""
        return f.OptOutStep(name, self.dnc_list, self.next)


class HangUpSection(Section):
    """The end."""

    kind: Literal["hang_up"]

    def to_domain(self, name: str) -> f.HangUpStep:
        """The step."""
        return f.HangUpStep(name)


StepSection = Annotated[
    PlaySection
    | SaySection
    | GatherSection
    | BranchSection
    | CountSection
    | RecordSection
    | WebhookSection
    | QueueSection
    | OptOutSection
    | HangUpSection,
    Field(discriminator="kind"),
]


class FlowFile(Section):
    """One flow, as an operator writes it."""

    name: Slug = Field(description="Slug: small letters, digits, hyphens, at most 63. Required; no built-in name.")
    start: Name = Field(description="Name of the first step. Required.")
    steps: dict[Name, StepSection] = Field(min_length=1, description="Steps by name, each with its kind. Required.")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = Field(
        default="en-US", description="BCP 47 tag of what is spoken, default en-US."
    )
    on_machine: f.OnMachine = Field(
        default=f.OnMachine.HANG_UP,
        description="Detected machines: hang_up (default), flow, or message: leave machine_text after the tone.",
    )
    machine_prompt: str = Field(default="", description="Message for machines, a recording. This or machine_text.")
    machine_text: str = Field(default="", description="Message for machines, a text. This or machine_prompt.")
    limit_s: Seconds = Field(default=600, description="Longest run in seconds, default 600; then it hangs up.")

    @model_validator(mode="after")
    def _is_sound(self) -> FlowFile:
        """Everything that can be known without the campaign."""
        refuse_errors(self.to_domain())
        return self

    def to_domain(self, *, version: int = 1) -> f.FlowSpec:
        """The flow as its machine needs it.

        Args:
            version: Of the campaign that it belongs to.
        """
        return f.FlowSpec(
            self.name,
            self.start,
            tuple(step.to_domain(name) for name, step in self.steps.items()),
            self.language,
            self.on_machine,
            self.machine_prompt,
            self.machine_text,
            _us(self.limit_s),
            version,
        )


def refuse_errors(
    spec: f.FlowSpec,
    *,
    prefix: str = "",
    queues: Collection[str] | None = None,
    dnc_lists: Collection[str] | None = None,
) -> None:
    """Refuse a flow with errors; arguments as for ``flow_errors``.

    Raises:
        ValueError: The first error, with its path, and how many there are.
    """
    errors = flow_errors(spec, queues=queues, dnc_lists=dnc_lists)
    if errors:
        path, words = errors[0]
        path = f"{path.removesuffix('_us')}_s" if path.endswith("_us") else path  # as it is called in the file
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        msg = f"{prefix}{path}: {words}{more}"
        raise ValueError(msg)


def load_flow(path: Path) -> FlowFile:
    """Read a flow file.

    Raises:
        ConfigError: It cannot be used; the line says where, why and what is allowed.
    """
    return read_model(path, FlowFile)
