"""Causes once there is a pod: a node for it, its image, its container, and what becomes of it."""

from __future__ import annotations

from fairihub_core.start_cause import Cause

_SHOW = "Ask an operator of the hub, who can read what the cluster said."
_ROOM = "Wait, choose a smaller profile, or try again later."
_OTHER_IMAGE = "Choose another profile, and tell an admin of your team."

SCHEDULING = {
    "no-memory-free": Cause(
        "scheduling",
        "cluster",
        "No node has enough memory free for this profile.",
        _ROOM,
        "`Insufficient memory` on every node that fits otherwise. Lost after `pending_seconds`: "
        "until then a server may end, or an autoscaler add a node.",
    ),
    "no-cpu-free": Cause(
        "scheduling",
        "cluster",
        "No node has enough processors free for this profile.",
        _ROOM,
        "`Insufficient cpu`, as above.",
    ),
    "no-gpu-free": Cause(
        "scheduling",
        "cluster",
        "No node has a GPU free of the kind that this profile needs (%(resource)s).",
        "Wait until somebody stops theirs, or choose a profile without a GPU.",
        "`Insufficient nvidia.com/gpu`, or of the resource that the profile names: all are in use. "
        "Older versions of Kubernetes say the same where there is none.",
    ),
    "no-such-gpu": Cause(
        "scheduling",
        "operator",
        "No node of this cluster has a GPU of the kind that this profile needs, or not so many "
        "(%(resource)s).",
        "Choose a profile without a GPU, or ask an operator.",
        "`Insufficient nvidia.com/gpu`, and `Preemption is not helpful` for every node: it would "
        "not fit if all other pods were gone. Lost after `scale_up_seconds`, unless an autoscaler "
        "adds a node.",
    ),
    "nodes-too-small": Cause(
        "scheduling",
        "operator",
        "No node of this cluster has as much as this profile needs: %(resources)s.",
        "Choose a smaller profile, or ask an operator.",
        "`Insufficient memory`, `cpu` or several, as with `no-such-gpu`.",
    ),
    "no-disk-free": Cause(
        "scheduling",
        "cluster",
        "No node has enough disk space free for this profile.",
        _ROOM,
        "`Insufficient ephemeral-storage`.",
    ),
    "nodes-crowded": Cause(
        "scheduling",
        "cluster",
        "Every fitting node runs as many pods as it can.",
        "Wait, or try again later. If it goes on, ask an operator.",
        "`Too many pods`.",
    ),
    "resources-short": Cause(
        "scheduling",
        "cluster",
        "No node has all of this free that the profile needs: %(resources)s.",
        _ROOM,
        "Several resources are `Insufficient`, on one node or another.",
    ),
    "no-matching-node": Cause(
        "scheduling",
        "operator",
        "There is no node of the kind that this profile is meant for.",
        "Choose another profile. An operator can say which kinds of nodes there are.",
        "`didn't match Pod's node affinity/selector` on every node: the profile's `node_purpose` "
        "has no node now. Lost after `scale_up_seconds`, unless an autoscaler adds one.",
    ),
    "node-tainted": Cause(
        "scheduling",
        "operator",
        "The nodes are kept for others than this profile.",
        "Choose another profile, or ask an operator.",
        "`untolerated taint`: the settings for the profile's `node_purpose`, or for its GPU, lack "
        "a toleration.",
    ),
    "nodes-closed": Cause(
        "scheduling",
        "cluster",
        "The nodes for this profile are out of service at present.",
        "Wait some minutes. If it goes on, ask an operator.",
        "Nodes that fit are `unschedulable`, not ready or under pressure.",
    ),
    "no-nodes": Cause(
        "scheduling",
        "operator",
        "The cluster has no nodes at present.",
        "Try again in some minutes. If it goes on, ask an operator.",
        "`no nodes available to schedule pods`.",
    ),
    "node-coming": Cause(
        "scheduling",
        "cluster",
        "A new node is being started for your server. That takes some minutes.",
        "Wait.",
        "`TriggeredScaleUp`, or `Nominated` by Karpenter: an autoscaler adds a node. The time to "
        "wait begins anew.",
    ),
    "not-scheduled": Cause(
        "scheduling",
        "cluster",
        "No node fits your server, and the cluster says no more about it.",
        _ROOM,
        "The pod has no node after `pending_seconds`, and no word of the scheduler is known.",
    ),
    "node-refused": Cause(
        "scheduling",
        "cluster",
        "The node that was chosen could not take your server after all.",
        "Start it again: another node may be chosen.",
        "The pod failed with `OutOfcpu`, `OutOfmemory`, `OutOfpods`, `UnexpectedAdmissionError` or "
        "the like, decided by the node itself.",
    ),
}

IMAGE = {
    "image-missing": Cause(
        "image",
        "team",
        "The image of this profile does not exist: %(image)s.",
        _OTHER_IMAGE,
        "`ErrImagePull` or `ImagePullBackOff` with `not found` or `manifest unknown`.",
    ),
    "image-denied": Cause(
        "image",
        "operator",
        "The registry does not give out the image of this profile: %(image)s.",
        "Choose another profile. An operator can check the name and the pull secret.",
        "`unauthorized`, `denied` or 401/403 of the registry. Many say so of an image that does "
        "not exist, too.",
    ),
    "image-name-bad": Cause(
        "image",
        "team",
        "The profile names an image in a way that nobody understands: %(image)s.",
        _OTHER_IMAGE,
        "`InvalidImageName`.",
    ),
    "image-not-there": Cause(
        "image",
        "operator",
        "The image of this profile is not on the node, and may not be fetched: %(image)s.",
        "Choose another profile, or ask an operator.",
        "`ErrImageNeverPull`: the pull policy is `Never`.",
    ),
    "image-unfit": Cause(
        "image",
        "team",
        "The image of this profile is made for another kind of processor: %(image)s.",
        _OTHER_IMAGE,
        "`no match for platform in manifest`, or `exec format error`.",
    ),
    "image-not-trusted": Cause(
        "image",
        "operator",
        "The image of this profile is not signed as the cluster demands: %(image)s.",
        "Choose another profile, or ask an operator.",
        "`SignatureValidationFailed`.",
    ),
    "registry-away": Cause(
        "image",
        "cluster",
        "The registry of the image cannot be reached; the node goes on trying: %(image)s.",
        "Wait, or try again later. If it goes on, ask an operator.",
        "A timeout, a name that is not found, a certificate, or 5xx. Lost after `pull_seconds`.",
    ),
    "registry-busy": Cause(
        "image",
        "operator",
        "The registry gives the cluster no more images for now: %(image)s.",
        "Try again later. An operator can use a registry of the cluster’s own.",
        "429 `toomanyrequests`. Lost after `pull_seconds`.",
    ),
    "image-not-pulled": Cause(
        "image",
        "operator",
        "The image cannot be fetched; the node goes on trying: %(image)s.",
        _SHOW,
        "`ErrImagePull` with a reason that is none of the others. Lost after `pull_seconds`.",
    ),
    "image-slow": Cause(
        "image",
        "operator",
        "The image of this profile takes too long to fetch: %(image)s.",
        "Start again in some minutes: the node may have it by then. Tell an operator.",
        "The node has been fetching it for `pull_seconds`, and nothing says that it failed.",
    ),
    "node-disk-full": Cause(
        "image",
        "operator",
        "The node has no space left for the image or for your server.",
        "Start it again: another node may be chosen. Tell an operator.",
        "`no space left on device` while an image was fetched or a container made.",
    ),
}

CONTAINER = {
    "sandbox-failed": Cause(
        "container",
        "operator",
        "The node cannot prepare a place for your server.",
        "Wait a minute. If it goes on, tell an operator.",
        "`FailedCreatePodSandBox` or `NetworkNotReady`: the network of the node, as a rule.",
    ),
    "bad-container": Cause(
        "container",
        "operator",
        "The node cannot make the container of your server.",
        _SHOW,
        "`CreateContainerConfigError`, `CreateContainerError` or `RunContainerError`.",
    ),
    "image-needs-root": Cause(
        "container",
        "team",
        "The image of this profile wants to run as root, which is not allowed.",
        "Choose another profile. The image needs a user with a number that is not 0.",
        "`container has runAsNonRoot and image will run as root`, or a user without a number.",
    ),
    "command-missing": Cause(
        "container",
        "team",
        "The image of this profile lacks the program that a server begins with.",
        _OTHER_IMAGE,
        "`executable file not found`, exit code 127 or 128: the image has no JupyterLab for "
        "JupyterHub (`jupyterhub-singleuser`).",
    ),
    "server-out-of-memory": Cause(
        "container",
        "you",
        "Your server needed more memory than its profile has, and was ended.",
        "Choose a profile with more memory.",
        "`OOMKilled`.",
    ),
    "server-crashed": Cause(
        "container",
        "operator",
        "Your server ended while it was starting (exit code %(exit)s).",
        "Its last lines say why. A package in your home can be the cause: start with another "
        "profile and take it out, or ask an operator.",
        "The container ended with an error: at first the cluster tries once more, with "
        "`CrashLoopBackOff` the start is lost.",
    ),
    "server-ended": Cause(
        "container",
        "team",
        "Your server ended by itself while it was starting, without an error.",
        _OTHER_IMAGE,
        "Exit code 0: the image begins with something else than a server.",
    ),
    "preparation-failed": Cause(
        "container",
        "operator",
        "What prepares your server failed before it could start (%(container)s).",
        _SHOW,
        "An init container of the pod ended with an error.",
    ),
}

SERVER = {
    "server-silent": Cause(
        "server",
        "operator",
        "Your server runs, but does not answer yet.",
        "Wait a minute. If it goes on, choose another profile and tell an operator.",
        "The container has been running for half a minute, and the hub does not reach it: a slow "
        "image, a full disk, or a network policy between hub and server.",
    ),
    "evicted": Cause(
        "server",
        "cluster",
        "The node was running short and ended your server.",
        "Start it again.",
        "`Evicted`: the node had too little memory or disk.",
    ),
    "preempted": Cause(
        "server",
        "cluster",
        "Your server had to make room for something more important.",
        "Start it again later.",
        "`Preempted` by a pod of higher priority.",
    ),
    "node-lost": Cause(
        "server",
        "cluster",
        "The node with your server was shut down or is lost.",
        "Start it again: another node is chosen.",
        "`NodeLost`, a node that is shut down, or the taint manager removing its pods.",
    ),
    "pod-deleted": Cause(
        "server",
        "operator",
        "Somebody or something deleted your server while it was starting.",
        "Start it again.",
        "The pod has a deletion timestamp that the hub did not ask for: an operator, or a node "
        "that is drained.",
    ),
}
