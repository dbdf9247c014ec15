"""The API on Ray Serve: one replica beside the data, behind one proxy.

One replica is enough for a control plane (about 200 requests a second on two cores) and is the only one that deletes
what is left in the upload directory.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from dialer.errors import ServiceError
from dialer.serve.app import MAX_UPLOAD_BYTES, build_app
from dialer.storage.keys import FILE_NAME, KeyFile

APP_NAME = "dialer"
UPLOADS = "uploads"  #: below the data directory
#: Requests in work at once. Imports and audits take seconds and must not keep others waiting; Serve's own limit is 5.
_MAX_ONGOING = 200
_MAX_QUEUED = 1_000  #: beyond that Serve answers 503 at once


def replica_app(namespace: str, data: str, max_upload_bytes: int) -> FastAPI:
    """The application inside its replica.

    Args:
        namespace: Ray namespace of the dialer.
        data: The data directory, on this node.
        max_upload_bytes: Limit for one file.
    """
    from dialer.actors.handles import connect  # noqa: PLC0415 - needed in the replica only

    directory = Path(data)
    return build_app(
        connect(namespace),
        KeyFile(directory / FILE_NAME),
        upload_dir=directory / UPLOADS,
        max_upload_bytes=max_upload_bytes,
    )


class Api:
    """The ingress: an application that is built where it runs.

    Args:
        namespace: Ray namespace of the dialer.
        data: The data directory, on the node of the replica.
        max_upload_bytes: Limit for one file.
    """

    def __init__(self, namespace: str, data: str, max_upload_bytes: int) -> None:
        self._arguments = (namespace, data, max_upload_bytes)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """Called by Serve after the constructor."""
        return replica_app(*self._arguments)


_DEPLOYMENT: serve.Deployment = serve.deployment(
    name="api", num_replicas=1, max_ongoing_requests=_MAX_ONGOING, max_queued_requests=_MAX_QUEUED
)(serve.ingress()(Api))


def application(
    namespace: str, data: Path, *, resources: Mapping[str, float], max_upload_bytes: int = MAX_UPLOAD_BYTES
) -> Application:
    """What ``serve.run`` takes.

    Args:
        namespace: Ray namespace of the dialer.
        data: The data directory.
        resources: Custom resources that only the node of the data directory has; empty on a single machine.
        max_upload_bytes: Limit for one file.
    """
    options = {"num_cpus": 0, "resources": dict(resources)}
    return _DEPLOYMENT.options(ray_actor_options=options).bind(namespace, str(data.resolve()), max_upload_bytes)


def start(
    namespace: str,
    data: Path,
    *,
    host: str,
    port: int,
    resources: Mapping[str, float],
    max_upload_bytes: int = MAX_UPLOAD_BYTES,
) -> None:
    """Start the API on the cluster this process is connected to; it answers when this returns.

    Args:
        namespace: Ray namespace of the dialer.
        data: The data directory.
        host: Address to listen on; anything but loopback opens the API to others.
        port: Port to listen on, 1 to 65535.
        resources: As for ``application``.
        max_upload_bytes: Limit for one file.

    Raises:
        ServiceError: The address cannot be listened on.
    """
    require_free(host, port)
    serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    serve.run(application(namespace, data, resources=resources, max_upload_bytes=max_upload_bytes), name=APP_NAME)


def stop() -> None:
    """End the API and Serve itself; requests in work are answered first."""
    serve.shutdown()  # type: ignore[no-untyped-call]


def require_free(host: str, port: int) -> None:
    """Find out early whether the API can listen here, on the machine that runs this.

    Args:
        host: Address to listen on.
        port: Port to listen on.

    Raises:
        ServiceError: It cannot.
    """
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServiceError(
            f"cannot listen on {host}:{port}: {reason}; choose another port in the service file"
        ) from error
