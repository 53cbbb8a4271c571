"""All that a worker imports by and by; a fork server imports it once, for all of them."""

import importlib

from fairihub_core.lean import skip_slow_imports

_MODULES = (
    "IPython.paths",
    "ipykernel.kernelspec",
    "fairihub_headless.worker.execution",
    "fairihub_headless.worker.main",
)


def _prepare() -> None:
    skip_slow_imports()
    for name in _MODULES:
        importlib.import_module(name)
    # It reads what every installed package offers when it is first used.
    provisioning = importlib.import_module("jupyter_client.provisioning")
    provisioning.KernelProvisionerFactory.instance()
    # Validators are made of the format's schema when they are first used.
    nbformat = importlib.import_module("nbformat")
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))


_prepare()
