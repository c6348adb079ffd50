"""What can be held of the container files without an engine."""

from pathlib import Path

import yaml

DOCKER = Path(__file__).parent.parent / "docker"


def compose():
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))


def test_no_password_stands_in_the_files_and_none_is_taken_by_default():
    auth = compose()["services"]["neo4j"]["environment"]["NEO4J_AUTH"]
    assert auth.startswith("neo4j/${KGPLAN_GRAPH_PASSWORD:?")
    example = (DOCKER / "example.env").read_text(encoding="utf-8")
    assert "KGPLAN_GRAPH_PASSWORD=\n" in example
    secret = compose()["services"]["api"]["environment"]["KGPLAN_AUTH_SECRET"]
    assert secret.startswith("${KGPLAN_AUTH_SECRET:?")
    assert "KGPLAN_AUTH_SECRET=\n" in example


def test_every_port_is_on_loopback_and_every_service_has_a_health_check():
    services = compose()["services"]
    ports = [port for service in services.values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "healthcheck" in services["neo4j"]
    assert "HEALTHCHECK" in (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def test_every_path_and_volume_that_compose_names_is_there():
    content = compose()
    build = content["services"]["api"]["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).is_file()
    named = {
        volume.split(":")[0]
        for volume in content["services"]["neo4j"]["volumes"]
        if not volume.startswith((".", "/", "$"))
    }
    assert named == set(content["volumes"])


def test_the_image_does_not_run_as_root_and_installs_no_torch():
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER kgplan" in lines
    assert not any("[embed]" in line for line in lines)
