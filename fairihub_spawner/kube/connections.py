"""As many connections to the API as there are watches.

A client of kubernetes_asyncio has a hundred at most, and each watch holds one as long as it lasts:
with a hundred starts at one time, or namespaces that are watched one by one, no call would get
through.
"""

from __future__ import annotations

from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.client.rest import RESTClientObject


def unbound(client: ApiClient) -> None:
    """Lets `client` open connections as it needs them; to be called before it is used."""
    session = client.rest_client.pool_manager
    if session.connector is not None and session.connector.limit:
        client.rest_client = RESTClientObject(client.configuration, maxsize=0)
        session.detach()  # nothing was asked by it yet, so there is nothing to close
