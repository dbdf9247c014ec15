"""Flows that are there by name, for campaigns that bring none of their own.

They are informational and say nothing that a law wants to be said: who calls people for real writes a flow, beginning
with the files in ``examples/flows``.
"""

from __future__ import annotations

from dialer.domain.flow import FlowSpec, GatherStep, HangUpStep, SayStep

NOTICE = FlowSpec(
    "notice",
    "notice",
    (
        SayStep(
            "notice",
            "Hello. This is an automatic message, and there is nothing that you need to do right now. A letter is on "
            "its way to you. Please look at your mail within the next days, and read the letter before you call us "
            "about it. Everything that we know stands there, with the hours at which you reach us. We say this once "
            "more: a letter is on its way to you. Thank you for listening. Goodbye.",
            "end",
        ),
        HangUpStep("end"),
    ),
)

REMINDER = FlowSpec(
    "reminder",
    "menu",
    (
        GatherStep(
            "menu",
            otherwise="end",
            branches=(("1", "thanks"), ("9", "menu")),
            text="Hello. We remind you of your appointment. To confirm it, press 1. To hear this again, press 9.",
        ),
        SayStep("thanks", "Thank you. Your appointment is confirmed. Goodbye.", "end"),
        HangUpStep("end"),
    ),
)

#: By name.
BUILT_IN = {flow.flow: flow for flow in (NOTICE, REMINDER)}
