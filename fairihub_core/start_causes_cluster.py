"""Causes before a pod has a node: the team, what the cluster allows, volumes and secrets."""

from __future__ import annotations

from fairihub_core.start_cause import Cause

_LATER = "Try again later, or choose a smaller profile. If it goes on, ask an operator."
_NOT_IN_FILE = "Ask an admin of your team, or an operator of the hub."
_SHOW = "Ask an operator of the hub, who can read what the cluster said."

ACCESS = {
    "no-team": Cause(
        "access",
        "team",
        "No team lists your login.",
        "Ask an admin of the team to add your login to the team file.",
        "No team file lists the login, or the one that did has changed since it signed in.",
    ),
    "closed": Cause(
        "access",
        "team",
        "Your team, or your membership in it, has closed.",
        "Ask an admin of the team to have it opened again.",
        "The `expirationDate` of the team or of the member has passed.",
    ),
    "no-profile": Cause(
        "access",
        "team",
        "None of your teams offers a profile at present.",
        "Ask an admin of the team to add a profile to the team file.",
        "The open teams of the member have no profiles.",
    ),
    "unknown-profile": Cause(
        "access",
        "you",
        "This profile is not offered to you.",
        "Choose one of the profiles on the page.",
        "The profile was taken out of the team file, or several teams have one of that name.",
    ),
    "several-teams": Cause(
        "access",
        "you",
        "You are in several teams, which offer %(profiles)s.",
        "Name one of these profiles.",
        "A request to start a server names no profile, and its caller is in several teams.",
    ),
    "unknown-option": Cause(
        "access",
        "you",
        "%(options)s cannot be chosen at start.",
        "Name a “profile” and nothing else: image, size, volumes and environment come with it.",
        "A request to start a server names something besides `profile`.",
    ),
    "bad-option": Cause(
        "access",
        "you",
        "“profile” must be the name of one profile.",
        "Name one, such as “small” or “team.small”.",
        "`profile` in a request to start a server is no text, is empty, or is too long.",
    ),
    "no-secret": Cause(
        "access",
        "operator",
        "The secret “%(secret)s”, which the profile names, is not there.",
        "Choose a profile without it, or ask an operator to put the secret in place.",
        "The profile names under `secret_names` what the team has no secret for.",
    ),
    "bad-secret": Cause(
        "access",
        "operator",
        "The secret “%(secret)s”, which the profile names, cannot be used.",
        "Choose a profile without it, or ask an operator to put the secret right.",
        "`secret_names` holds a name that no Secret of a team can have, or a key of the secret is "
        "no text, or too large. On Kubernetes also: its type is none for servers.",
    ),
    "bad-gpu-resource": Cause(
        "access",
        "team",
        "The profile names a kind of GPU in a way that no cluster understands.",
        "Choose another profile, and tell an admin of your team.",
        "`gpu_resource` of the profile is no name of a device, such as `nvidia.com/gpu`.",
    ),
    "unusable-node-purpose": Cause(
        "access",
        "operator",
        "The hub does not know the kind of node that the profile is meant for.",
        "Choose another profile. An operator can list it in the hub’s settings.",
        "`node_purpose` is not in the settings (`node_purposes`), and is no value of a label.",
    ),
    "protected-namespace": Cause(
        "access",
        "operator",
        "The team file names a namespace that no team may have.",
        _NOT_IN_FILE,
        "`k8s-namespace` is one of the cluster's own, or of the setting `protected_namespaces`.",
    ),
    "namespace-of-another": Cause(
        "access",
        "operator",
        "The team file names a namespace that belongs to somebody else.",
        _NOT_IN_FILE,
        "Another team file names it before, or its label (`namespace_owner_label`) names another "
        "team.",
    ),
    "namespace-unlabelled": Cause(
        "access",
        "operator",
        "Nothing says that the namespace “%(namespace)s” is that of your team.",
        "Ask an operator of the hub to label it.",
        "The namespace lacks the label that the setting `namespace_owner_label` names: `kubectl "
        "label namespace NAMESPACE fairihub.io/team=TEAM`, unless the setting says otherwise.",
    ),
    "bucket-of-another": Cause(
        "access",
        "operator",
        "The profile names a bucket that is another team’s.",
        "Choose another profile, or ask an operator.",
        "`s3_bucket_name` of the profile belongs to another team, by the settings or by its file.",
    ),
    "volume-of-another": Cause(
        "volume",
        "operator",
        "A volume of that name exists, and nothing says that it is yours. Nothing was opened.",
        "Ask an operator to find out whose it is.",
        "The annotations `fairihub.io/login` and `fairihub.io/team` of the claim name somebody "
        "else, or are missing.",
    ),
    "start-refused": Cause(
        "access",
        "operator",
        "",
        _NOT_IN_FILE,
        "The hub refused the start with an error of its own; where it has another code than this "
        "one, that is explained among the [error codes](errors.md).",
    ),
    "start-failed": Cause(
        "server",
        "operator",
        "Your server did not start, and nothing says why.",
        "Try again. If it fails again, tell an operator when it was: the hub’s log says more.",
        "An error that the hub has no words for. Its text is in the hub's log only.",
    ),
    "start-timeout": Cause(
        "server",
        "operator",
        "Your server was not ready in time, so the start was given up.",
        "Try again. If it fails again, ask an operator.",
        "The time that the hub allows a start has passed, and the cluster named no cause.",
    ),
    "start-interrupted": Cause(
        "server",
        "you",
        "The hub was restarted while your server was starting.",
        "Start it again.",
        "A start that was under way when the hub ended is not found running afterwards.",
    ),
    "start-cancelled": Cause(
        "server",
        "you",
        "The start was cancelled.",
        "Start it again if you want the server after all.",
        "The owner, or whoever may stop the server, stopped it before it was ready.",
    ),
}

CLUSTER = {
    "namespace-missing": Cause(
        "cluster",
        "operator",
        "The namespace of your team, “%(namespace)s”, does not exist on the cluster.",
        "Ask an operator to create it, or to correct its name in the team file.",
        "404 for the namespace that the team file names under `k8s-namespace`.",
    ),
    "namespace-ending": Cause(
        "cluster",
        "operator",
        "The namespace of your team is being deleted.",
        "Ask an operator what is to become of the team.",
        "403 `because it is being terminated`: nothing can be created in it any more.",
    ),
    "namespace-new": Cause(
        "cluster",
        "cluster",
        "The namespace of your team is not ready yet.",
        "Wait a minute and try again.",
        "The namespace has no service account `default` yet, which follows by itself.",
    ),
    "quota-exceeded": Cause(
        "cluster",
        "team",
        "Your team has used up what it may use of the cluster at one time.",
        "Stop a server or a run of the team that nobody needs, or choose a smaller profile.",
        "403 `exceeded quota`: a ResourceQuota of the namespace is used up. What was asked for, "
        "what is in use and the limit stand under “What was said”.",
    ),
    "limit-range": Cause(
        "cluster",
        "operator",
        "The size of this profile is outside of what the namespace allows.",
        "Choose another profile. An operator can match the profile and the limits.",
        "403 of a LimitRange: `maximum memory usage per Container is …`.",
    ),
    "pod-security": Cause(
        "cluster",
        "operator",
        "The cluster does not allow a server like this, for reasons of security.",
        _SHOW,
        "403 `violates PodSecurity`: the namespace enforces a level that the pod does not satisfy. "
        "fairihub's pods satisfy `restricted`, unless settings add to them.",
    ),
    "admission-refused": Cause(
        "cluster",
        "operator",
        "A rule of the cluster refused the server.",
        _SHOW,
        "An admission webhook or policy said no, with its own reason.",
    ),
    "no-permission": Cause(
        "cluster",
        "operator",
        "The hub may not start servers in the namespace of your team.",
        "Ask an operator to give the hub the role that it needs there.",
        "403 `cannot create resource …`: the hub has no role there, or one that lacks a rule. With "
        "`get` or `list`: it may not even read the namespace, or may not follow the pods in it.",
    ),
    "hub-not-known": Cause(
        "cluster",
        "operator",
        "The cluster does not accept the hub’s credentials.",
        "Ask an operator to renew them.",
        "401: the token or certificate of the hub has expired or was revoked.",
    ),
    "bad-manifest": Cause(
        "cluster",
        "operator",
        "The cluster does not understand what it was asked to start.",
        _SHOW,
        "400 or 422: a value of the profile or of the settings is not what Kubernetes takes there. "
        "The field is named under “What was said”.",
    ),
    "object-in-the-way": Cause(
        "cluster",
        "operator",
        "What your server would be called is there already, and is not this hub’s.",
        "Ask an operator of the hub whose it is. Nothing of it was touched.",
        "A pod or Secret of that name whose label `fairihub.io/hub` names another hub, or whose "
        "annotations name another owner: two hubs may have teams in one namespace.",
    ),
    "pod-stuck": Cause(
        "cluster",
        "operator",
        "Your server before this one does not end, so a new one cannot begin.",
        "Try again in a few minutes. If it stays, an operator can find out what holds it, and end "
        "it.",
        "The pod of an earlier start is deleted and still there after two minutes: a finalizer "
        "holds it, or its node is lost.",
    ),
    "cluster-busy": Cause(
        "cluster",
        "cluster",
        "The cluster is busy at present.",
        "Wait a moment: a start that is under way is tried again by itself.",
        "429, a conflict of updates (409), or an internal error (500) of the cluster's API.",
        (
            "The cluster was too busy, so the start was given up.",
            "Try again in a minute. If it goes on, tell an operator of the hub.",
        ),
    ),
    "cluster-unreachable": Cause(
        "cluster",
        "cluster",
        "The cluster does not answer at present.",
        "Wait a moment: a start that is under way is tried again by itself. Servers that run are "
        "not affected.",
        "The cluster's API cannot be reached, or answered 502, 503, 504 or not in time. A start "
        "asks again for half a minute before it is given up.",
        (
            "The cluster did not answer, so the start was given up.",
            "Try again in a few minutes. If it goes on, tell an operator of the hub. Servers that "
            "run are not affected.",
        ),
    ),
}

VOLUMES = {
    "volume-missing": Cause(
        "volume",
        "operator",
        "A volume of your server does not exist.",
        "Ask an operator what has become of it. Do not start elsewhere if you expect your files.",
        '`persistentvolumeclaim "…" not found`, for longer than it takes to be known everywhere.',
    ),
    "volume-ending": Cause(
        "volume",
        "operator",
        "A volume of your server is being deleted.",
        "Ask an operator at once whether that is meant.",
        "The claim has a deletion timestamp: `is being deleted`.",
    ),
    "volume-lost": Cause(
        "volume",
        "operator",
        "The disk behind a volume of your server is gone.",
        "Ask an operator for the backup.",
        "The claim is in phase `Lost`: the volume that it was bound to no longer exists.",
    ),
    "volume-waiting": Cause(
        "volume",
        "cluster",
        "Your server waits for its volume.",
        "Wait. If it does not pass, ask an operator.",
        "`unbound immediate PersistentVolumeClaims`: the cluster has not made the volume yet.",
    ),
    "volume-not-made": Cause(
        "volume",
        "operator",
        "The cluster cannot make a volume for your server.",
        _SHOW,
        "`ProvisioningFailed` on the claim: the storage is full, or its driver fails.",
    ),
    "storage-class-missing": Cause(
        "volume",
        "operator",
        "The kind of storage that the hub asks for does not exist on the cluster.",
        "Ask an operator to correct the storage class in the hub’s settings.",
        '`storageclass.storage.k8s.io "…" not found`, or no class and no default.',
    ),
    "volume-elsewhere": Cause(
        "volume",
        "operator",
        "Your volume is in a place that no fitting node reaches.",
        "Choose another profile, or ask an operator.",
        "`volume node affinity conflict`: the volume belongs to a node or zone with no node for "
        "this profile.",
    ),
    "volume-limit": Cause(
        "volume",
        "cluster",
        "Every fitting node has as many volumes as it can take.",
        _LATER,
        "`exceed max volume count`.",
    ),
    "volume-in-use": Cause(
        "volume",
        "cluster",
        "Your volume is still held by another node.",
        "Wait: it is let go within some minutes, as a rule.",
        "`Multi-Attach error`: an earlier pod on another node has not ended, or its node is lost.",
    ),
    "volume-not-attached": Cause(
        "volume",
        "operator",
        "Your volume cannot be attached to the node.",
        _SHOW,
        "`FailedAttachVolume`, for as long as it is repeated.",
    ),
    "volume-not-mounted": Cause(
        "volume",
        "operator",
        "Your volume cannot be mounted.",
        _SHOW,
        "`FailedMount`, for as long as it is repeated.",
    ),
    "secret-missing": Cause(
        "volume",
        "operator",
        "A secret that the profile names is not in the namespace of your team.",
        "Choose a profile without it, or ask an operator to put the secret in place.",
        '`secret "…" not found` or `couldn\'t find key …`, as a volume or as a variable.',
    ),
    "volume-full": Cause(
        "volume",
        "team",
        "Your home is full, so the server cannot write and ended.",
        "Ask an admin of your team for more storage, or an operator to free some.",
        "`No space left on device` or `Disk quota exceeded` in the last lines of the container.",
    ),
}
