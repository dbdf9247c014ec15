"""Facts about contacts that nobody had to write down."""

from __future__ import annotations

import pytest

from dialer.errors import ConfigError
from dialer.sim.contacts import ListedContacts, SyntheticContacts


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


def test_contacts_may_have_several_phones():
    contacts = SyntheticContacts(500, phones=3)
    numbers = [contacts.number(index, phone) for index in range(500) for phone in range(contacts.phones(index))]
    assert len(set(numbers)) == len(numbers) == 1_500
    single = SyntheticContacts(1_500)
    assert {single.number(index) for index in range(1_500)} == set(numbers)
    assert [contacts.zone_key(7, 2), contacts.number(7, 2)] == [single.zone_key(1_007), single.number(1_007)]
    with pytest.raises(ConfigError, match="too many to simulate"):
        SyntheticContacts(2_000_000, phones=8)


def test_every_tenth_contact_may_be_mapped_to_an_agent():
    contacts = SyntheticContacts(35, agents=["a1", "a2"])
    assert list(contacts.mapped()) == [(0, "a1"), (10, "a2"), (20, "a1"), (30, "a2")]
    assert [contacts.agent(index) for index in (0, 1, 10)] == ["a1", "", "a2"]
    assert list(SyntheticContacts(35).mapped()) == []
    assert SyntheticContacts(35).agent(0) == ""


def test_every_contact_has_a_card():
    assert SyntheticContacts(9, first=100).card(2) == (("firstName", "Contact"), ("lastName", "102"))


def test_contacts_that_are_written_down():
    contacts = ListedContacts([(0,), (1, 0)], agents={1: "a1"})
    assert (len(contacts), contacts.phones(0), contacts.phones(1)) == (2, 1, 2)
    assert [contacts.zone_key(1, phone) for phone in range(2)] == [1, 0]
    assert len({contacts.number(0), contacts.number(1), contacts.number(1, 1)}) == 3
    assert (contacts.agent(0), contacts.agent(1), list(contacts.mapped())) == ("", "a1", [(1, "a1")])
    assert contacts.card(1) == (("firstName", "Contact 1"),)
