"""Texts of other parts of the hub that our pages show: named here to be translated with ours.

A text that its author has changed since stays English; the tests compare.
"""

from __future__ import annotations

from fairihub_portal.texts import N_

LINKS = (
    N_(
        "This sign-in link does not work: it has been used already, has expired, or was not copied "
        "whole. Ask for a new one; on the hub's machine the command “fairihub link LOGIN” makes it."
    ),
    N_("This page was open for too long. Open your sign-in link again."),
    N_("This is no sign-in link: it is far too long."),
)
"""What `fairihub_auth.links` says on the sign-in page."""

SERVICES = (N_("Runs"),)
"""What the navigation calls the services."""

SCOPES = (
    N_("Start runs and cancel your own."),
    N_("See your runs, with their results and logs."),
    N_("Share notebooks with a team, and withdraw what you shared."),
    N_("Publish and decline notebooks of teams that you curate."),
)
"""How `fairihub_core.scopes` describes what an application asks for."""

JUPYTERHUB = (
    N_("No access to resources or resources not found"),
    N_("Action is not authorized with current scopes; requires any of [admin-ui]"),
    N_("Made on the token page"),
)
