"""What routes are given: the dialer, uploads, and the types of path parameters."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path, Request

from dialer.config import Slug
from dialer.serve.auth import Permission, require
from dialer.serve.port import Control
from dialer.serve.uploads import Uploads
from dialer.storage.keys import Key


def _control(request: Request) -> Control:
    return cast("Control", request.app.state.control)


def _uploads(request: Request) -> Uploads:
    return cast("Uploads", request.app.state.uploads)


ControlDep = Annotated[Control, Depends(_control)]
UploadsDep = Annotated[Uploads, Depends(_uploads)]
Name = Annotated[Slug, Path(description="Small letters, digits, hyphens; at most 63.")]

#: The caller's key, where the operation needs it; ``dependencies=[SEE]`` where it does not.
SEE, DESK, OPERATE, CONFIGURE = (require(permission) for permission in Permission)
Operator = Annotated[Key, OPERATE]
