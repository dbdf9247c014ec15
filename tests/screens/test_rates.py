"""Dials per second from successive pictures."""

from dialer.screens.rates import RateMeter


def test_one_picture_has_no_pace(picture):
    """A rate needs two moments."""
    assert RateMeter().take(picture()) == (0.0, 0.0, 0.0)


def test_both_clocks(picture, view):
    """120 dials in 2 wall seconds at speed 60 are 60 per wall second and 1 per virtual second."""
    meter = RateMeter()
    meter.take(picture(0.0, speed=60))
    pace = meter.take(picture(2.0, speed=60, campaigns=(view(attempts=3120),)))
    assert pace == (60.0, 1.0, 60.0)
    assert pace.virtual


def test_real_time_is_one_clock(picture):
    """A clock that is read a little late is not another clock."""
    meter = RateMeter()
    meter.take(picture(0.0))
    assert not meter.take(picture(2.0, speed=1.02)).virtual


def test_window_forgets(picture, view):
    """A stop shows after ten seconds."""
    meter = RateMeter()
    meter.take(picture(0.0, campaigns=(view(attempts=0),)))
    for at in range(1, 12):
        pace = meter.take(picture(float(at)))
    assert pace.dials_per_wall_s == 0.0


def test_campaigns_that_come_and_go(picture, view):
    """A run that resumes with thousands of attempts, or leaves with them, is no dial."""
    meter = RateMeter()
    meter.take(picture(0.0, campaigns=(view("old"), view("stays", attempts=100))))
    pace = meter.take(picture(1.0, campaigns=(view("new"), view("stays", attempts=107))))
    assert pace.dials_per_wall_s == 7.0


def test_same_moment_twice(picture):
    """Two pictures of one moment divide nothing by zero."""
    meter = RateMeter()
    meter.take(picture(1.0))
    assert meter.take(picture(1.0)) == (0.0, 0.0, 0.0)
