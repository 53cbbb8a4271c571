"""What our servers write into the hub's log: of a request neither header nor query."""

from fairihub_core.logs import log_request

get_config().ServerApp.tornado_settings = {"log_function": log_request}  # type: ignore[name-defined]  # noqa: F821
