"""An outbound dialer on Ray: pure machines, thin couriers, durable intents."""

__version__ = "0.1.0"
