"""Facts about contacts that nobody had to write down."""

from __future__ import annotations

import pytest

from dialer.errors import ConfigError
from dialer.sim.contacts import SyntheticContacts


def test_every_contact_has_a_number_of_its_own_and_a_zone():
    contacts = SyntheticContacts(5_000)
    numbers = [contacts.number(index) for index in range(len(contacts))]
    assert len(set(numbers)) == len(contacts) == 5_000
    assert all(number // 10**10 == 1 and number // 10**4 % 1000 == 555 for number in numbers)  # the fictional exchange
    zones = {contacts.zone_sets[contacts.zone_key(index)] for index in range(5_000)}
    assert ("America/New_York",) in zones
    assert len(zones) > 5


def test_a_list_can_begin_where_another_ends():
    whole = SyntheticContacts(1_000)
    second = SyntheticContacts(400, first=600)
    assert [second.number(index) for index in range(400)] == [whole.number(600 + index) for index in range(400)]
    assert [second.zone_key(index) for index in range(400)] == [whole.zone_key(600 + index) for index in range(400)]


def test_regions_choose_area_codes():
    contacts = SyntheticContacts(100, ["CA"])
    zones = {zone for zones in contacts.zone_sets for zone in zones}
    assert "America/Toronto" in zones
    assert "America/New_York" not in zones


def test_there_are_only_so_many_numbers():
    with pytest.raises(ConfigError, match="too many to simulate; use fewer agents or hours"):
        SyntheticContacts(100_000_000)
    with pytest.raises(ConfigError, match="too many to simulate"):
        SyntheticContacts(1, first=100_000_000)
