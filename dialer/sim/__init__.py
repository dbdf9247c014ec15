"""The machines on a virtual clock: simulated people, faults and scenarios."""
