"""The API on Ray Serve, as far as it can be seen without a cluster."""

import socket

import pytest

from dialer.errors import ServiceError
from dialer.serve import deployment


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_replica_builds_a_whole_application(tmp_path, keys):
    """From two strings and a number: keys and uploads lie in the data directory, and the dialer is found by name."""
    app = deployment.replica_app("a-dialer", str(tmp_path), 1000)
    assert app.state.control.office._namespace == "a-dialer"
    assert (tmp_path / "uploads").is_dir()
    assert keys.path == tmp_path / deployment.FILE_NAME


def test_options_of_the_deployment(tmp_path):
    """One replica beside the data, with room for slow requests beside quick ones."""
    application = deployment.application("a-dialer", tmp_path, resources={"dialer_data": 0.001})
    made = application._bound_deployment
    assert made.num_replicas == 1
    assert made.max_ongoing_requests >= 100
    assert made.ray_actor_options["resources"] == {"dialer_data": 0.001}
    assert made.ray_actor_options["num_cpus"] == 0
    assert made.init_args == ("a-dialer", str(tmp_path), deployment.MAX_UPLOAD_BYTES)


def test_a_port_in_use(listening):
    """One line before anything is started."""
    with pytest.raises(ServiceError, match=rf"cannot listen on 127.0.0.1:{listening}: .*; choose another port"):
        deployment.require_free("127.0.0.1", listening)


def test_an_address_that_is_not_ours():
    """As clear as a port in use."""
    with pytest.raises(ServiceError, match="cannot listen on"):
        deployment.require_free("192.0.2.1", 8000)


def test_a_free_port_stays_free():
    """Finding out leaves nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    deployment.require_free("127.0.0.1", free)
    deployment.require_free("127.0.0.1", free)
