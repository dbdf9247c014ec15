"""A YAML file read into a pydantic model, or one line that says where the file is wrong and what is allowed."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dialer.errors import ConfigError

M = TypeVar("M", bound=BaseModel)

_MAX_SHOWN = 60


def read_model(path: Path, model: type[M]) -> M:
    """Read one YAML file.

    Args:
        path: The file.
        model: What it must hold; it forbids unknown fields.

    Returns:
        The checked content.

    Raises:
        ConfigError: The file cannot be read, is not YAML, repeats a key, or holds a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        msg = f"{path}: no such file; give the path of a YAML file"
        raise ConfigError(msg) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        msg = f"{path}: cannot be read: {reason}"
        raise ConfigError(msg) from None
    root = _compose(path, text)
    data = yaml.safe_load(text)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_line_of_error(path, root, model, error.errors())) from None


def _compose(path: Path, text: str) -> yaml.MappingNode:
    """The node tree, whose marks know the lines."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = _repeated_key(root) if root is not None else None
        if repeated is None:
            yaml.safe_load(text)  # tags and values that cannot be built
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        msg = f"{where}: not valid YAML: {error.problem or error.context}"
        raise ConfigError(msg) from None
    except (yaml.YAMLError, ValueError) as error:
        msg = f"{path}: not valid YAML: {str(error).splitlines()[0]}"
        raise ConfigError(msg) from None
    if repeated is not None:
        msg = f"{path}:{repeated.start_mark.line + 1}: {repeated.value}: is given twice; keep one"
        raise ConfigError(msg)
    if not isinstance(root, yaml.MappingNode):
        msg = f"{path}:1: the file must hold fields, one 'name: value' a line"
        raise ConfigError(msg)
    return root


def _repeated_key(node: yaml.Node) -> yaml.Node | None:
    """The second use of a key in one mapping; YAML would silently keep the last."""
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    return key
                seen.add(key.value)
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    return next((found for child in children if (found := _repeated_key(child)) is not None), None)


def _line_of_error(path: Path, root: yaml.Node, model: type[BaseModel], errors: list[ErrorDetails]) -> str:
    """The first error, by line, as one line of text."""
    # a mistyped name is also a missing one: what was written is told before what was not
    placed = ((_line(root, e["loc"]), e["type"] != "extra_forbidden", at) for at, e in enumerate(errors))
    line, _, at = min(placed)
    error = errors[at]
    field = ".".join(str(part) for part in error["loc"])
    text = f"{path}:{line}: {field}: {_what(error, model)}" if field else f"{path}:{line}: {_what(error, model)}"
    return text if len(errors) == 1 else f"{text} (and {len(errors) - 1} more)"


def _line(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """Line of the deepest node on the way to ``loc``, 1 for the first line."""
    line: int = node.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _what(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong and what is allowed, in words for the person who wrote the file."""
    loc, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        names = sorted(_fields_at(model, loc[:-1]))
        close = difflib.get_close_matches(str(loc[-1]), names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"allowed here: {', '.join(names)}"
        return f"unknown field; {hint}"
    if kind == "missing":
        return "is missing; add it"
    if kind in {"value_error", "assertion_error"}:
        return str(error["ctx"]["error"])
    wanted = error["msg"].removeprefix("Input ").replace("should", "must").partition(" after validation")[0]
    shown = repr(error["input"])
    if len(shown) > _MAX_SHOWN or any(str(part) == "caller_id" for part in loc):
        return wanted  # long, or a telephone number
    return f"{shown}: {wanted}"


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Names of the fields of the model that stands at ``loc``."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``Section | None`` or ``list[Section]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)
