"""The volumes of a server: what is asked of the cluster, and what an existing one is good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairihub_core.errors import Conflict, Refused
from fairihub_core.offers import Offer
from fairihub_core.quantities import bytes_of
from fairihub_core.starts import Notice, notice
from fairihub_core.units import human_bytes
from fairihub_spawner.kube import names
from fairihub_spawner.kube.settings import KubeSettings

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What is to be done about a claim before the server starts."""

    patch: Mapping[str, Any] | None = None
    """What to change about the claim, so that its volume grows; None if it will do."""
    notice: Notice | None = None
    """What the owner is to know if the volume stays as it is, which is not of the size meant."""


def claims_for(offer: Offer, login: str, settings: KubeSettings) -> tuple[dict[str, Any], ...]:
    """What a server needs: the home first, then the team's shared volume, if there is one."""
    shared = shared_manifest(offer, settings)
    home = home_manifest(offer, login, settings)
    return (home,) if shared is None else (home, shared)


def home_manifest(offer: Offer, login: str, settings: KubeSettings) -> dict[str, Any]:
    """The claim of a member's home in a team; it stays when the server stops."""
    team, profile = offer.team, offer.profile
    size = profile.storage or team.storage or settings.default_storage
    return _claim(
        names.home_claim(login, team.name),
        offer,
        login,
        settings,
        _spec(size, "ReadWriteOnce", settings.storage_class),
    )


def shared_manifest(offer: Offer, settings: KubeSettings) -> dict[str, Any] | None:
    """The claim of the team's shared volume; None where the settings want none."""
    if not settings.shared_storage:
        return None
    return _claim(
        names.shared_claim(offer.team.name),
        offer,
        None,
        settings,
        _spec(settings.shared_storage, settings.shared_access_mode, settings.shared_storage_class),
    )


def verdict(wanted: Manifest, existing: Manifest) -> Verdict:
    """What is to be done for `wanted`, where the cluster has `existing` under its name.

    A volume is never made smaller, since that would lose what is in it.

    Raises:
        Refused: `volume-of-another`.
        Conflict: `volume-ending`, `volume-lost`.
    """
    _check_owner(wanted, existing)
    _check_state(existing)
    asked, has, real = _requested(wanted), _requested(existing), _capacity(existing)
    if asked is None or has is None or asked == has:
        return Verdict()
    if asked < has:
        return Verdict(notice=_kept(wanted, "smaller", asked, has))
    if real is not None and asked <= real:
        return Verdict()
    too_small = _kept(wanted, "larger", asked, real or has)
    # Kubernetes changes the size of bound claims only; one that waits is as good as it is.
    if _phase(existing) != "Bound":
        return Verdict(notice=too_small)
    storage = wanted["spec"]["resources"]["requests"]["storage"]
    return Verdict({"spec": {"resources": {"requests": {"storage": storage}}}}, too_small)


def _claim(
    name: str, offer: Offer, login: str | None, settings: KubeSettings, spec: dict[str, Any]
) -> dict[str, Any]:
    team = offer.team
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": team.namespace,
            "labels": {
                **names.owner_labels(login, team.name, settings.hub),
                "component": "singleuser-storage",
            },
            "annotations": names.owner_annotations(login, team.name),
        },
        "spec": spec,
    }


def _spec(size: int, mode: str, storage_class: str | None) -> dict[str, Any]:
    chosen = {} if storage_class is None else {"storageClassName": storage_class}
    return {
        "accessModes": [mode],
        "resources": {"requests": {"storage": str(size)}},
        **chosen,
    }


def _check_owner(wanted: Manifest, existing: Manifest) -> None:
    said = existing["metadata"].get("annotations") or {}
    keys = (names.TEAM, names.LOGIN)
    ours = wanted["metadata"]["annotations"]
    if any(said.get(key) != ours.get(key) for key in keys):
        raise Refused(
            "volume-of-another",
            f"The volume “{_name(wanted)}” exists, but its annotations do not say that it is "
            f"{_owner(wanted)}. Nothing was opened. Ask the operator of the hub, who finds out "
            f"whose it is and, if it is yours, sets {' and '.join(f'“{k}”' for k in keys)}.",
        )


def _check_state(existing: Manifest) -> None:
    if existing["metadata"].get("deletionTimestamp"):
        raise Conflict(
            "volume-ending",
            f"The volume “{_name(existing)}” is being deleted, and what is in it with it. "
            "Ask the operator of the hub at once if nobody meant that; "
            "else start again when it is gone.",
        )
    if _phase(existing) == "Lost":
        raise Conflict(
            "volume-lost",
            f"The volume “{_name(existing)}” is lost: the cluster has the claim, but no more the "
            "storage behind it. Ask the operator of the hub to restore it.",
        )


def _kept(wanted: Manifest, meant: Literal["smaller", "larger"], asked: int, has: int) -> Notice:
    whose = "home" if names.LOGIN in wanted["metadata"]["annotations"] else "shared"
    return notice(f"{whose}-not-{meant}", has=human_bytes(has), asked=human_bytes(asked))


def _owner(claim: Manifest) -> str:
    said = claim["metadata"]["annotations"]
    if names.LOGIN in said:
        return f"the home of “{said[names.LOGIN]}” in team “{said[names.TEAM]}”"
    return f"the shared folder of team “{said[names.TEAM]}”"


def _name(claim: Manifest) -> str:
    return str(claim["metadata"]["name"])


def _phase(claim: Manifest) -> str:
    return str((claim.get("status") or {}).get("phase", ""))


def _requested(claim: Manifest) -> int | None:
    resources = claim["spec"].get("resources") or {}
    return _bytes((resources.get("requests") or {}).get("storage"))


def _capacity(claim: Manifest) -> int | None:
    return _bytes(((claim.get("status") or {}).get("capacity") or {}).get("storage"))


def _bytes(quantity: Any) -> int | None:
    return None if quantity is None else bytes_of(str(quantity))
