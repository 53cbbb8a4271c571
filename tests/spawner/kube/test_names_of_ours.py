"""Nothing of ours takes the place of something of JupyterHub's or KubeSpawner's by accident."""

from __future__ import annotations

import inspect
import re

import jupyterhub.spawner
import jupyterhub.user
import pytest
from kubespawner import KubeSpawner

from fairihub_spawner.kube.spawner import FairihubSpawner
from fairihub_spawner.kube.steady import SteadyKubeSpawner
from fairihub_spawner.local import TeamLocalSpawner
from fairihub_spawner.team_server import TeamServer

MEANT = {
    FairihubSpawner: {
        *(
            "_start",
            "clear_state",
            "get_args",
            "get_env",
            "get_state",
            "get_url",
            "load_state",
            "poll",
            "progress",
        ),
    },
    SteadyKubeSpawner: {
        *("__init__", "_start_watching_pods", "get_state", "load_state"),
        *("is_pod_running", "pod_reflector", "poll", "poll_and_notify", "start_polling", "stop"),
    },
    TeamServer: {"get_args", "options_from_query", "poll"},
}
TRAITLETS = re.compile(
    r"__\w+__|_all_trait_default_generators|_descriptors|_instance_inits|_traits"
)


def theirs() -> set[str]:
    """Attributes of a spawner, also those that JupyterHub only sets on an object."""
    text = inspect.getsource(jupyterhub.spawner) + inspect.getsource(jupyterhub.user)
    return set(dir(KubeSpawner)) | set(re.findall(r"\b(?:self|spawner)\.(\w+)", text))


@pytest.mark.parametrize("of_ours", MEANT, ids=lambda c: c.__name__)
def test_only_what_is_meant_replaces_something(of_ours):
    replaced = {name for name in vars(of_ours) if name in theirs()}
    plumbing = {
        name for name in replaced if name in dir(TeamLocalSpawner) and TRAITLETS.fullmatch(name)
    }
    traitlets = {"_static_immutable_initial_values", "_trait_default_generators"}
    assert replaced - plumbing - traitlets <= MEANT[of_ours]
