"""Pure machines and policies: no Ray, no I/O, no clock, no global chance; standard library only."""
