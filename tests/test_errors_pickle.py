"""Errors and messages cross process borders: each class arrives as it left."""

import dataclasses
import enum
import inspect
import pickle
import types
import typing
from typing import Any

import pytest

from dialer import errors
from dialer.domain import commands, events, link, localtime, specs

MODULES = (commands, events, specs, link, localtime)


def classes(module, base=object):
    """Classes that a module defines itself, in order of their names."""
    found = (cls for _, cls in inspect.getmembers(module, inspect.isclass))
    return [cls for cls in found if cls.__module__ == module.__name__ and issubclass(cls, base)]


ERRORS = classes(errors, errors.DialerError)
FOUND = [cls for module in MODULES for cls in classes(module) if dataclasses.is_dataclass(cls)]
MESSAGES = [cls for cls in FOUND if cls.__dataclass_params__.frozen]
PLAIN: dict[Any, Any] = {bool: True, int: 1 << 62, str: "t\u00e9xt", Any: ("anything", 1)}


def sample(kind):
    """A value of an annotated type that is neither empty nor zero, so that a lost field shows."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in (typing.Union, types.UnionType):
        return sample(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return tuple(sample(argument) for argument in arguments if argument is not Ellipsis)
    if origin in (typing.Literal, typing.Annotated):
        return arguments[0] if origin is typing.Literal else sample(arguments[0])
    if issubclass(kind, enum.Enum):
        return list(kind)[-1]
    return kind(*(sample(field) for field in typing.get_type_hints(kind).values()))


def raised(cls):
    """One instance of an error class, built from the parameters of its constructor."""
    hints = typing.get_type_hints(cls.__init__)
    hints.pop("return", None)
    return cls(*(sample(kind) for kind in hints.values()) if hints else ("text",))


def copies(value):
    """The value after each pickle protocol."""
    return [pickle.loads(pickle.dumps(value, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)]  # noqa: S301 - our own


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_error_survives_pickling(cls):
    """Class, arguments, attributes and text of an error are the same on the other side."""
    error = raised(cls)
    for copy in copies(error):
        assert type(copy) is cls
        assert (copy.args, vars(copy), str(copy)) == (error.args, vars(error), str(error))


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_error_is_listed_at_the_top_of_the_file(cls):
    """The tree in the module's docstring names every class."""
    assert cls.__name__ in (errors.__doc__ or "").split()


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_message_survives_pickling(cls):
    """A message arrives equal and of its own class, with every field and the type of every field."""
    value = sample(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    for copy in copies(value):
        assert type(copy) is cls
        assert copy == value
        assert [type(getattr(copy, name)) for name in names] == [type(getattr(value, name)) for name in names]


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_message_is_immutable_and_without_a_dictionary(cls):
    """A message has slots, cannot be changed, and can be a key."""
    value = sample(cls)
    assert not hasattr(value, "__dict__")
    assert hash(value) == hash(sample(cls))
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("module", [commands, events], ids=lambda module: module.__name__)
def test_the_conversation_is_made_of_messages(module):
    """Every class of the two files is a message: frozen, with the fast way to pickle."""
    for cls in classes(module):
        assert dataclasses.is_dataclass(cls), cls
        assert cls.__dataclass_params__.frozen, cls
        assert "__reduce__" in vars(cls), cls
