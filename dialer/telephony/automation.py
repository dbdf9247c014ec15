"""Automations over HTTP, for flows on a real switch: a back-end hands ``CallAutomation`` here.

One POST for each order, with a JSON object; no redirects, no proxies, no retries: asking twice might do twice whatever
the automation does. What comes back is small, or it is no answer.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from dialer.domain.media import AutomationAnswered, CallAutomation
from dialer.domain.specs import SECOND_US

#: Requests at one moment; more wait, and the time they wait counts against their timeout.
MOST = 32
#: Longest answer that is read, bytes, and longest value a flow may branch on, characters.
MAX_BODY = 65_536
MAX_ANSWER = 100

_OK = range(200, 300)


class AutomationPort:
    """Asks automations on worker threads; made and used on the event loop of the trunk's host.

    Args:
        sink: Receives one AutomationAnswered for each order, on the event loop.
    """

    def __init__(self, sink: Callable[[AutomationAnswered], None]) -> None:
        self._sink = sink
        self._workers = ThreadPoolExecutor(MOST, "automation")
        self._asking: set[asyncio.Task[None]] = set()

    def submit(self, order: CallAutomation) -> None:
        """Ask, and return at once."""
        task = asyncio.get_running_loop().create_task(self._ask(order))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def stop(self) -> None:
        """Ask no more; whoever is being asked is not waited for."""
        for task in self._asking:
            task.cancel()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, order: CallAutomation) -> None:
        timeout_s = order.timeout_us / SECOND_US
        answer: str | None = None
        try:
            async with asyncio.timeout(timeout_s):
                answer = await asyncio.get_running_loop().run_in_executor(self._workers, _post, order, timeout_s)
        except TimeoutError:
            pass
        self._sink(AutomationAnswered(order.attempt_id, order.op, answer is not None, answer or ""))


def _post(order: CallAutomation, timeout_s: float) -> str | None:
    """The value of ``answer`` in what the automation returns, "" without one; None if it failed."""
    url = urlsplit(order.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        line = kind(url.hostname or "", url.port, timeout=timeout_s)
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            line.request("POST", target, json.dumps(dict(order.fields)), {"Content-Type": "application/json"})
            response = line.getresponse()
            body = response.read(MAX_BODY + 1)
        finally:
            line.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    if response.status not in _OK or len(body) > MAX_BODY:
        return None
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return None
    value = told.get("answer", "") if isinstance(told, dict) else None
    return str(value)[:MAX_ANSWER] if isinstance(value, str | int) else None
