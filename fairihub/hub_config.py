"""The configuration file that JupyterHub reads; all it does is call the assembly."""

from fairihub.assembly import configure
from fairihub.hub_settings import from_environment

configure(get_config(), from_environment())  # type: ignore[name-defined]  # noqa: F821
