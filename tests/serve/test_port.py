"""The port: what the API asks, the dialer on Ray answers."""

import inspect

import pytest

from dialer.actors.handles import Control as OnRay
from dialer.serve.port import Control

MEMBERS = [name for name, member in vars(Control).items() if inspect.iscoroutinefunction(member)]


@pytest.mark.parametrize("name", MEMBERS)
def test_the_dialer_has_what_the_port_says(name):
    """The same member with the same parameters, and a fake that keeps to it."""
    wanted = list(inspect.signature(getattr(Control, name)).parameters)
    assert list(inspect.signature(getattr(OnRay, name)).parameters) == wanted


def test_the_fake_is_the_port(control):
    """Nothing is tested that the port does not have."""
    members = {name for name, member in vars(type(control)).items() if inspect.iscoroutinefunction(member)}
    assert members == set(MEMBERS)
    for name in MEMBERS:
        wanted = list(inspect.signature(getattr(Control, name)).parameters)
        assert list(inspect.signature(getattr(type(control), name)).parameters) == wanted
