r"""The run of a flow in one call: a machine between the trunk that hosts it and the media of the switch.

    SPEAKING, ASKING, RECORDING, CALLING, QUEUED --answer or deadline--> the next step ... --> OVER
    TONE --tone--> MESSAGE --spoken--> OVER             a message for an answering machine

What waits for the switch has a deadline of its own: a switch that stays silent is as good as no answer. An event that
carries an earlier number than the order in progress has crossed with what made it vain. The callee may hang up in
every phase. A run is over once, and says so once, with ``RunEnded``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dialer.domain import media as m
from dialer.domain.events import LineEnded, LineJoined
from dialer.domain.flow import (
    BranchStep,
    CountStep,
    FlowResult,
    FlowSpec,
    GatherStep,
    HangUpStep,
    OptOutStep,
    PlayStep,
    QueueStep,
    RecordStep,
    SayStep,
    WebhookStep,
)
from dialer.domain.flow_table import TABLE, TIMEOUTS, AgentForgone, AgentSought, Doing, OptedOut, RunEnded
from dialer.domain.flow_text import fill, percent, placeholders, plain, spoken
from dialer.domain.specs import SECOND_US
from dialer.errors import IllegalTransitionError, InvariantError

#: The longest prompt; a switch that has not ended it by then has forgotten it.
PROMPT_LIMIT_US = 180 * SECOND_US
#: How long the switch may take beyond the time it was given.
SLACK_US = 5 * SECOND_US
#: The longest greeting of an answering machine.
TONE_LIMIT_US = 40 * SECOND_US
#: Steps without waiting, one after the other; a checked flow has fewer.
_MOST_STEPS = 1_000


#: Type of a step -> the method that begins it.
_ENTER: dict[type, str] = {
    PlayStep: "_enter_speech",
    SayStep: "_enter_speech",
    GatherStep: "_enter_gather",
    BranchStep: "_enter_branch",
    CountStep: "_enter_count",
    RecordStep: "_enter_record",
    WebhookStep: "_enter_webhook",
    QueueStep: "_enter_queue",
    OptOutStep: "_enter_opt_out",
    HangUpStep: "_enter_end",
}

Said = list[Any]


class FlowRun:
    """One run.

    Args:
        spec: A flow without errors.
        attempt_id: The call.
        number: E.164 number of the callee, for ``{phone}``.
        card: Columns of the contact.
    """

    __slots__ = (
        "_answers",
        "_deadline_us",
        "_limit_us",
        "_now_us",
        "_op",
        "_prompting",
        "_step",
        "_stop",
        "_used",
        "_values",
        "attempt_id",
        "doing",
        "result",
        "spec",
    )

    def __init__(self, spec: FlowSpec, attempt_id: int, number: int, card: Mapping[str, str] | None = None) -> None:
        self.spec = spec
        self.attempt_id = attempt_id
        self.doing = Doing.OVER
        self.result: FlowResult | None = None
        self._values = {**(card or {}), "phone": f"+{number}"}
        self._answers: dict[str, str] = {}
        self._used: Counter[str] = Counter()  # attempts of gathers, visits of counts
        self._step = spec.start
        self._op = 0
        self._prompting = False  # the prompt of the present number is heard
        self._stop: m.StopGather | m.StopRecording | AgentForgone | None = None  # what ends what is going on
        self._now_us = 0
        self._deadline_us = 0
        self._limit_us = 0

    # -- the machine -------------------------------------------------------------------------------------------------

    def start(self, now_us: int) -> Said:
        """A person is on the line: begin with the first step."""
        self._now_us, self._limit_us = now_us, now_us + self.spec.limit_us
        out: Said = []
        self._go(self.spec.start, out)
        return out

    def start_message(self, now_us: int) -> Said:
        """A machine is on the line: wait for its tone, leave the message, and end."""
        self._now_us, self._limit_us = now_us, now_us + self.spec.limit_us
        self._step = ""
        self._wait(Doing.TONE, TONE_LIMIT_US + SLACK_US)
        return [m.AwaitTone(self.attempt_id, self._op, TONE_LIMIT_US)]

    def handle(self, event: Any, now_us: int) -> Said:
        """Apply one event, or None for a deadline that has come.

        Args:
            event: An event of ``media.py``, LineJoined or LineEnded, about this call.
            now_us: UTC microseconds, never before an earlier call's value.

        Returns:
            Orders to the switch, and what the trunk must know; in their order.

        Raises:
            IllegalTransitionError: An event that answers no order of this run.
        """
        out: Said = []
        if self.doing is Doing.OVER:
            return out  # crossed with the end
        if event is None:
            self._now_us = now_us
            self._time_out(out)
            return out
        kind = type(event)
        if kind not in (LineEnded, LineJoined) and event.op < self._op:
            return out  # crossed with what made it vain
        action = TABLE.get((self.doing, kind))
        if action is None or (kind not in (LineEnded, LineJoined) and event.op != self._op):
            raise IllegalTransitionError(f"flow/{self.attempt_id}", self.doing.name, kind.__name__)
        self._now_us = now_us
        getattr(self, action)(event, out)
        return out

    def next_deadline_us(self) -> int | None:
        """When ``handle(None, now)`` must be called at the latest; None once it is over."""
        return None if self.doing is Doing.OVER else min(self._deadline_us, self._limit_us)

    def postpone(self, us: int) -> None:
        """Wait so much longer: what is wanted is just being done."""
        self._deadline_us += us
        self._limit_us = max(self._limit_us, self._deadline_us)

    def stop(self, result: FlowResult, now_us: int) -> Said:
        """End the run from outside, whatever it is doing."""
        out: Said = []
        if self.doing is not Doing.OVER:
            self._now_us = now_us
            self._end(result, out)
        return out

    def check_invariants(self) -> None:
        """Over exactly if there is a result, and everything else has a deadline.

        Raises:
            InvariantError: A contradiction.
        """
        if (self.doing is Doing.OVER) != (self.result is not None):
            raise InvariantError("a run ends once", f"{self.doing.name} with result {self.result}")
        if self.doing is not Doing.OVER and self._deadline_us <= 0:
            raise InvariantError("every step that waits has a deadline", self.doing.name)

    # -- from step to step -------------------------------------------------------------------------------------------

    def _go(self, name: str, out: Said) -> None:
        """Carry out steps from this one on, up to one that waits."""
        following: str | None = name
        for _ in range(_MOST_STEPS):
            if following is None:
                return
            step = self.spec.step(following)
            if step is None:
                break
            self._step = following
            following = getattr(self, _ENTER[type(step)])(step, out)
        self._end(FlowResult.FAILED, out)  # a flow that was not checked

    # each of these begins a step, and returns the next one if it does not wait

    def _enter_speech(self, step: PlayStep | SayStep, out: Said) -> None:
        self._op += 1
        prompt, text = (step.prompt, "") if isinstance(step, PlayStep) else ("", step.text)
        self._speak(prompt, text, out)
        self._wait(Doing.SPEAKING, PROMPT_LIMIT_US)

    def _enter_gather(self, step: GatherStep, out: Said) -> str | None:
        if self._used[step.name] >= step.attempts:
            return step.otherwise
        self._op += 1
        self._used[step.name] += 1
        self._speak(step.prompt, step.text, out)
        order = m.GatherDigits(self.attempt_id, self._op, step.max_digits, step.end_key, step.first_us, step.between_us)
        out.append(order)
        self._stop = m.StopGather(self.attempt_id, self._op)
        self._wait(Doing.ASKING, PROMPT_LIMIT_US + _answer_us(step))
        return None

    def _enter_branch(self, step: BranchStep, _out: Said) -> str:
        return dict(step.branches).get(self._answers.get(step.of, ""), step.otherwise)

    def _enter_count(self, step: CountStep, _out: Said) -> str:
        self._used[step.name] += 1
        return step.again if self._used[step.name] <= step.times else step.next

    def _enter_record(self, step: RecordStep, out: Said) -> None:
        self._op += 1
        name = f"{self.attempt_id}-{step.name}"
        out.append(m.StartRecording(self.attempt_id, self._op, name, step.limit_us, step.silence_us, step.beep))
        self._stop = m.StopRecording(self.attempt_id, self._op)
        self._wait(Doing.RECORDING, step.limit_us + SLACK_US)

    def _enter_webhook(self, step: WebhookStep, out: Said) -> str | None:
        values = {**self._values, **self._answers}
        if not all(values.get(name) for name in placeholders(step.url)):
            self._answers[step.name] = "failed"  # without the value it would be another URL
            return step.failed
        self._op += 1
        fields = tuple((name, fill(text, values, plain)) for name, text in step.fields)
        url = fill(step.url, values, percent)
        out.append(m.CallAutomation(self.attempt_id, self._op, url, fields, step.timeout_us))
        self._wait(Doing.CALLING, step.timeout_us + SLACK_US)
        return None

    def _enter_queue(self, step: QueueStep, out: Said) -> None:
        self._op += 1
        if step.music:
            out.append(m.PlayPrompt(self.attempt_id, self._op, step.music, loop=True))
            self._prompting = True
        out.append(AgentSought(step.queue, self._now_us + step.limit_us))
        self._stop = AgentForgone()
        self._wait(Doing.QUEUED, step.limit_us)

    def _enter_opt_out(self, step: OptOutStep, out: Said) -> str:
        self._answers[step.name] = step.dnc_list
        out.append(OptedOut(step.dnc_list))
        return step.next

    def _enter_end(self, _step: HangUpStep, out: Said) -> None:
        self._end(FlowResult.COMPLETED, out)

    def _wait(self, doing: Doing, limit_us: int) -> None:
        self.doing, self._deadline_us = doing, self._now_us + limit_us

    def _speak(self, prompt: str, text: str, out: Said) -> None:
        if prompt:
            out.append(m.PlayPrompt(self.attempt_id, self._op, prompt))
        else:
            words = fill(text, {**self._values, **self._answers}, spoken)
            out.append(m.SayText(self.attempt_id, self._op, words, self.spec.language))
        self._prompting = True

    def _hush(self, out: Said) -> None:
        if self._prompting:
            self._prompting = False
            out.append(m.StopPrompt(self.attempt_id, self._op))

    def _give_up(self, out: Said) -> None:
        """Stop what is going on."""
        self._hush(out)
        if self._stop is not None:
            out.append(self._stop)
            self._stop = None

    def _end(self, result: FlowResult, out: Said) -> None:
        """Stop what is going on, and say how it ended."""
        if result is not FlowResult.HUNG_UP:
            self._give_up(out)
        elif type(self._stop) is AgentForgone:  # all other things have ended with the call
            out.append(self._stop)
        self._prompting, self._stop = False, None
        self.doing, self.result = Doing.OVER, result
        out.append(RunEnded(self._step, result, tuple(sorted(self._answers.items()))))

    # -- events ------------------------------------------------------------------------------------------------------

    def _spoken(self, _event: m.PromptEnded, out: Said) -> None:
        """Heard, or not playable: a missing recording must not hold the callee."""
        self._prompting = False
        step = self.spec.step(self._step)
        if isinstance(step, PlayStep | SayStep):
            self._go(step.next, out)

    def _asked(self, _event: m.PromptEnded, _out: Said) -> None:
        """The question is asked: from now on the time for an answer runs."""
        self._prompting = False
        step = self.spec.step(self._step)
        if isinstance(step, GatherStep):
            self._wait(Doing.ASKING, _answer_us(step))

    def _music_ended(self, _event: m.PromptEnded, _out: Said) -> None:
        """The music cannot be played, or not over and over: wait in silence."""
        self._prompting = False

    def _pressed(self, event: m.DigitsGathered, out: Said) -> None:
        self._stop = None
        self._hush(out)
        step = self.spec.step(self._step)
        if not isinstance(step, GatherStep):
            return
        digits = event.digits
        to = dict(step.branches).get(digits, "")
        if not to and step.any_digits and step.min_digits <= len(digits):
            to = step.any_digits
        if to:
            self._answers[step.name] = digits
        self._go(to or step.name, out)  # asked again; when attempts are used up, that leads to ``otherwise``

    def _recorded(self, event: m.RecordingEnded, out: Said) -> None:
        self._stop = None
        step = self.spec.step(self._step)
        if isinstance(step, RecordStep):
            if event.ok:
                self._answers[step.name] = f"{self.attempt_id}-{step.name}"
            self._go(step.next, out)

    def _answered(self, event: m.AutomationAnswered, out: Said) -> None:
        step = self.spec.step(self._step)
        if isinstance(step, WebhookStep):
            self._answers[step.name] = event.answer if event.ok else "failed"
            self._go(step.next if event.ok else step.failed, out)

    def _tone(self, _event: m.ToneHeard, out: Said) -> None:
        """The tone, or no more greeting that we would wait for."""
        self._op += 1
        self._speak(self.spec.machine_prompt, self.spec.machine_text, out)
        self._wait(Doing.MESSAGE, PROMPT_LIMIT_US)

    def _left(self, event: m.PromptEnded, out: Said) -> None:
        self._prompting = False
        self._end(FlowResult.MESSAGE if event.ok else FlowResult.FAILED, out)

    def _joined(self, _event: LineJoined, out: Said) -> None:
        self._stop = None
        self._end(FlowResult.TRANSFERRED, out)

    def _hung_up(self, _event: LineEnded, out: Said) -> None:
        self._end(FlowResult.HUNG_UP, out)

    # -- time --------------------------------------------------------------------------------------------------------

    def _time_out(self, out: Said) -> None:
        """The switch has not answered in time, or nobody has come."""
        now_us = self._now_us
        if now_us >= self._limit_us:
            self._end(FlowResult.LIMIT, out)
        elif now_us >= self._deadline_us:
            getattr(self, TIMEOUTS[self.doing])(out)

    def _unspoken(self, out: Said) -> None:
        self._give_up(out)
        self._spoken(m.PromptEnded(self.attempt_id, self._op, ok=False), out)

    def _unpressed(self, out: Said) -> None:
        self._give_up(out)
        self._pressed(m.DigitsGathered(self.attempt_id, self._op, ""), out)

    def _unrecorded(self, out: Said) -> None:
        self._give_up(out)
        self._recorded(m.RecordingEnded(self.attempt_id, self._op, 0, ok=False), out)

    def _unanswered(self, out: Said) -> None:
        step = self.spec.step(self._step)
        if isinstance(step, WebhookStep):
            self._answers[step.name] = "timeout"
            self._go(step.timed_out or step.failed, out)

    def _alone(self, out: Said) -> None:
        self._give_up(out)
        step = self.spec.step(self._step)
        if isinstance(step, QueueStep):
            self._go(step.nobody, out)

    def _no_tone(self, out: Said) -> None:
        self._tone(m.ToneHeard(self.attempt_id, self._op, ok=False), out)

    def _unleft(self, out: Said) -> None:
        self._end(FlowResult.FAILED, out)


def _answer_us(step: GatherStep) -> int:
    return step.first_us + step.max_digits * step.between_us + SLACK_US
