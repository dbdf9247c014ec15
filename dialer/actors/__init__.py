"""The machines on Ray: one courier, and thin actor classes around it."""
