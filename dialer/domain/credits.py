"""Credits: how many calls each pool may still send to a trunk, shared out fairly.

A pool says how many calls it has to place soon; credits it holds count towards that. A credit is used by an
``Originate``, given back by a request for none, and void when either side is reborn. A smaller request takes nothing
back. An ``Originate`` that crosses with the giving back comes without credit; the trunk takes it if a line is free.
"""

from __future__ import annotations

from dialer.errors import InvariantError


class _Account:
    """One pool."""

    __slots__ = ("outstanding", "wanted")

    def __init__(self) -> None:
        self.wanted = 0  # calls to place, those included for which it holds a credit
        self.outstanding = 0  # credits granted and not used


class Credits:
    """The accounts of all pools that ever asked the trunk for credits."""

    def __init__(self) -> None:
        self.outstanding = 0  #: credits that pools hold
        self._accounts: dict[str, _Account] = {}
        self._order: list[str] = []
        self._turn = 0

    def request(self, pool: str, wanted: int) -> None:
        """The pool has ``wanted`` calls to place soon; replaces what it said before. None gives back what it holds."""
        account = self._accounts.get(pool)
        if account is None:
            account = self._accounts[pool] = _Account()
            self._order.append(pool)
        account.wanted = max(0, wanted)
        if account.wanted == 0:
            self.void(pool)

    def void(self, pool: str) -> None:
        """The pool, or what it knew, is gone: its credits and its request are nothing."""
        account = self._accounts.get(pool)
        if account is not None:
            self.outstanding -= account.outstanding
            account.outstanding = account.wanted = 0

    def use(self, pool: str) -> bool:
        """Use up one credit of a pool.

        Returns:
            False if the pool has none.
        """
        account = self._accounts.get(pool)
        if account is None:
            return False
        if account.wanted:
            account.wanted -= 1
        if not account.outstanding:
            return False
        account.outstanding -= 1
        self.outstanding -= 1
        return True

    def needed(self) -> bool:
        """Whether a pool waits for credits."""
        return any(account.wanted > account.outstanding for account in self._accounts.values())

    def grant(self, room: int) -> list[tuple[str, int]]:
        """Share out new credits in equal parts; who is served first changes in turn.

        Args:
            room: Credits there are to give; 0 or less gives none.

        Returns:
            (pool, credits) for each pool that gets some.
        """
        if room <= 0:
            return []
        accounts, turn = self._accounts, self._turn
        waiting = self._order[turn:] + self._order[:turn]
        needs = {pool: need for pool in waiting if (need := accounts[pool].wanted - accounts[pool].outstanding) > 0}
        granted: dict[str, int] = {}
        while room and needs:
            share = max(1, room // len(needs))
            for pool, need in list(needs.items()):
                count = min(share, need, room)
                if count == 0:
                    break
                granted[pool] = granted.get(pool, 0) + count
                room -= count
                needs[pool] -= count
                last = pool
                if count == need:
                    del needs[pool]
        if granted:
            self._turn = (self._order.index(last) + 1) % len(self._order)
        for pool, count in granted.items():
            accounts[pool].outstanding += count
            self.outstanding += count
        return list(granted.items())

    def check_invariants(self) -> None:
        """Raise InvariantError on a contradiction.

        Raises:
            InvariantError: The sum is wrong, or an account is below zero.
        """
        held = [account.outstanding for account in self._accounts.values()]
        if min(held, default=0) < 0 or sum(held) != self.outstanding:
            raise InvariantError("sum of credits", f"{held} held, {self.outstanding} counted")
