"""Trunk back-ends: the doors to a switch, real or simulated."""
