"""`python -m tests.support.access.listing PART …`: prints the routes that a part really has.

Each part is put together as it is when it serves, up to the moment before it listens, and its
own routing table is read: nobody keeps a second list. One process for each, as each wants an
environment and an application of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tornado import routing, web

CATALOG = "/services/catalog/"
HEADLESS = "/services/headless/"
SERVER = "/user/NAME/"


def methods_of(handler: type) -> list[str]:
    """The methods that a handler's class answers; all else is 405 for everybody.

    So is what a handler gives to `refuse`, which answers once the request has been read.
    """
    base, refused = web.RequestHandler, getattr(handler, "refuse", None)
    return [
        name
        for name in base.SUPPORTED_METHODS
        if getattr(handler, name.lower()) not in (getattr(base, name.lower()), refused)
    ]


def told(pattern: str, handler: type) -> dict[str, Any]:
    name = f"{handler.__module__}.{handler.__qualname__}"
    return {"pattern": pattern, "handler": name, "methods": methods_of(handler)}


def rules_of(router: routing.RuleRouter) -> Iterator[tuple[str, type]]:
    """Every pattern of a tornado application, with its handler."""
    for rule in router.rules:
        if isinstance(rule.target, routing.RuleRouter):
            yield from rules_of(rule.target)
        elif isinstance(rule.matcher, routing.PathMatches):
            yield rule.matcher.regex.pattern.removesuffix("$"), rule.target


def application_rules(application: web.Application) -> list[dict[str, Any]]:
    found = [told(*rule) for rule in rules_of(application.default_router)]
    default = application.settings.get("default_handler_class")
    return [*found, told("", default)] if default else found


def service_environment(name: str) -> None:
    """What the hub tells a service that it starts."""
    os.environ.update(
        JUPYTERHUB_API_URL="http://127.0.0.1:1/hub/api",
        JUPYTERHUB_API_TOKEN="0" * 64,
        JUPYTERHUB_BASE_URL="/",
        JUPYTERHUB_SERVICE_NAME=name,
        JUPYTERHUB_SERVICE_PREFIX=f"/services/{name}/",
        JUPYTERHUB_SERVICE_URL="http://127.0.0.1:1",
        JUPYTERHUB_CLIENT_ID=f"service-{name}",
    )


def without_parts(make: Callable[..., web.Application], **given: Any) -> web.Application:
    """An application whose parts are of no interest, as nothing is asked of it."""
    wanted = inspect.signature(make).parameters
    parts = {name: SimpleNamespace() for name in wanted}
    return make(**{**parts, **{name: v for name, v in given.items() if name in wanted}})


def catalog() -> list[dict[str, Any]]:
    """The service's own rules, with its API taken apart into its operations."""
    service_environment("catalog")
    from fairihub_catalog.operations import ROUTES
    from fairihub_catalog.service import application

    made = without_parts(application, prefix=CATALOG, cookie_secret=b"secret")
    rules = [rule for rule in application_rules(made) if not rule["pattern"].endswith("api/(.*)")]
    return [*rules, *api_rules(f"{CATALOG}api/", ROUTES)]


def api_rules(prefix: str, routes: Any) -> list[dict[str, Any]]:
    return [
        {"pattern": prefix + route.pattern, "handler": prefix, "methods": list(route.operations)}
        for route in routes
    ]


def headless() -> list[dict[str, Any]]:
    service_environment("headless")
    from fairihub_headless.web.routes import application

    made = without_parts(
        application, service=SimpleNamespace(prefix=HEADLESS), cookie_secret=b"secret"
    )
    return application_rules(made)


def hub(settings: str) -> list[dict[str, Any]]:
    """The hub's rules, of the assembly with these settings (`HubSettings` as JSON)."""
    from fairihub.hub_settings import VARIABLE

    os.environ[VARIABLE] = settings
    from jupyterhub.app import JupyterHub

    import fairihub

    config = Path(fairihub.__file__).with_name("hub_config.py")
    app = JupyterHub()
    asyncio.run(app.initialize(["-f", str(config)]))
    return [told(pattern, handler) for pattern, handler, *_ in app.handlers]


def undecorated() -> list[dict[str, Any]]:
    """The routes of a user's server whose handlers do not say what identity they want.

    A server that takes no request without one warns of them as it starts.
    """
    from jupyter_server.utils import JupyterServerAuthWarning

    warned: list[str] = []

    def heard(message: Any, category: Any, *_: Any, **__: Any) -> None:
        if category is JupyterServerAuthWarning:
            warned.append(str(message))

    warnings.simplefilter("always", JupyterServerAuthWarning)
    warnings.showwarning = heard
    server("--ServerApp.allow_unauthenticated_access=False")
    found = re.findall(r"^- (\w+) of (\w+) registered for (.*)$", "\n".join(warned), re.M)
    return [{"pattern": at, "handler": of, "methods": [method]} for method, of, at in found]


def server(*more: str) -> list[dict[str, Any]]:
    """The rules of a user's server: those of JupyterHub, Jupyter, JupyterLab, and ours."""
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    from fairihub_catalog.operations import ROUTES
    from fairihub_spawner.local import TeamLocalSpawner

    async def met(_: Any) -> None:
        """The hub's version is not asked for: there is none."""

    JupyterHubSingleUser.check_hub_version = met
    prefix = SERVER
    os.environ.update(
        JUPYTERHUB_API_URL="http://127.0.0.1:1/hub/api",
        JUPYTERHUB_API_TOKEN="0" * 64,
        JUPYTERHUB_BASE_URL="/",
        JUPYTERHUB_USER="name",
        JUPYTERHUB_CLIENT_ID="jupyterhub-user-name",
        JUPYTERHUB_SERVICE_PREFIX=prefix,
        JUPYTERHUB_SERVICE_URL="http://127.0.0.1:18877",
        JUPYTERHUB_ACTIVITY_URL="http://127.0.0.1:1/hub/api/users/name/activity",
        JUPYTERHUB_OAUTH_SCOPES='["access:servers!server=name/"]',
        JUPYTERHUB_OAUTH_ACCESS_SCOPES='["access:servers!server=name/"]',
        FAIRIHUB_CATALOG_URL="http://127.0.0.1:1/services/catalog/api/",
    )

    arguments = TeamLocalSpawner().get_args()
    running = JupyterHubSingleUser.initialize_server(argv=[*arguments, "--allow-root", *more])
    found = application_rules(running.web_app)
    ours = f"{prefix}fairihub/api/"
    rules = [rule for rule in found if rule["pattern"] != f"{ours}(.*)"]
    return [*rules, *api_rules(ours, ROUTES)]


PARTS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "hub": hub, "catalog": catalog, "headless": headless, "server": server,
    "undecorated": undecorated,
}  # fmt: skip


def main() -> None:
    part, *arguments = sys.argv[1:]
    with tempfile.NamedTemporaryFile("w", delete=False) as out:
        json.dump(PARTS[part](*arguments), out)
    print(f"\n{out.name}", flush=True)
    os._exit(0)  # threads that follow files and clocks wait for nobody


if __name__ == "__main__":
    main()
