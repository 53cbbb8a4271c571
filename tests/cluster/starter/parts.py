"""The parts of the cluster in the order of their start, and how each is started."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster.starter.places import (
    API,
    CGROUP,
    CONTAINERD,
    ETCD,
    ETCD_PEERS,
    HOST,
    NODE,
    PKI,
    PODS,
    RUN,
    SERVICES,
    STATE,
    STORE,
    binaries,
)

PARTS = (
    "containerd", "etcd", "apiserver", "controller-manager", "scheduler", "volumes", "dns",
    "proxy", "kubelet",
)  # fmt: skip
# Where each says whether it is well; those without are well while they run.
HEALTH = {
    "etcd": f"{ETCD}/health",
    "apiserver": f"{API}/readyz",
    "controller-manager": "https://127.0.0.1:10257/healthz",
    "scheduler": "https://127.0.0.1:10259/healthz",
    "dns": f"http://{HOST}:8181/ready",
    "proxy": "http://127.0.0.1:10256/healthz",
    "kubelet": "http://127.0.0.1:10248/healthz",
}
CONTAINERD_CONFIG = f"""\
version = 2
root = "{STORE}"
state = "{RUN}/containerd"
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{STATE}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""
# Each pod has a link of its own to the machine, which routes between them. On a bridge, answers of
# a service would find their way past the machine, which then could not translate their address.
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "fairihub",
    "plugins": [
        {
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "dataDir": f"{STATE}/cni/leases",
                "ranges": [[{"subnet": PODS, "gateway": HOST}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}
KUBELET_CONFIG = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "address": HOST,
    "authentication": {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": True},
        "x509": {"clientCAFile": f"{PKI}/ca.crt"},
    },
    "authorization": {"mode": "Webhook"},
    "cgroupDriver": "cgroupfs",
    "cgroupRoot": f"/{CGROUP}",
    "clusterDNS": [HOST],
    "clusterDomain": "cluster.local",
    "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
    # A busy or small machine is no reason to throw a test's pods out.
    "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
    "failCgroupV1": False,
    "failSwapOn": False,
    "imageGCHighThresholdPercent": 100,
    "makeIPTablesUtilChains": False,
    "podLogsDir": f"{STATE}/pods",
    "serializeImagePulls": False,
    "tlsCertFile": f"{PKI}/kubelet.crt",
    "tlsPrivateKeyFile": f"{PKI}/kubelet.key",
    "volumePluginDir": f"{STATE}/plugins",
}
PROXY_CONFIG = {
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "kind": "KubeProxyConfiguration",
    "bindAddress": HOST,
    "clientConnection": {"kubeconfig": f"{PKI}/proxy.kubeconfig"},
    "clusterCIDR": PODS,
    "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    "healthzBindAddress": "127.0.0.1:10256",
    "hostnameOverride": NODE,
    "metricsBindAddress": "127.0.0.1:10249",
    "mode": "nftables",
    "nftables": {"minSyncPeriod": "100ms"},
}
DNS_CONFIG = f"""\
cluster.local in-addr.arpa {{
  bind {HOST}
  errors
  ready {HOST}:8181
  kubernetes {{
    kubeconfig {PKI}/admin.kubeconfig
    pods insecure
    ttl 1
  }}
}}
"""


def write_configs() -> None:
    (STATE / "cni").mkdir(parents=True)
    (STATE / "volumes").mkdir()
    (STATE / "containerd.toml").write_text(CONTAINERD_CONFIG)
    (STATE / "cni" / "10-fairihub.conflist").write_text(json.dumps(NETWORK))
    (STATE / "kubelet.json").write_text(json.dumps(KUBELET_CONFIG))
    (STATE / "proxy.json").write_text(json.dumps(PROXY_CONFIG))
    (STATE / "Corefile").write_text(DNS_CONFIG)


def command_of(part: str) -> list[str]:
    program, *arguments = _commands()[part]
    flags = [f"--{argument}" for argument in arguments]
    if program in ("kube", "dns"):
        program = str(binaries() / program)
        flags = [part, *flags] if part != "dns" else [f.removeprefix("-") for f in flags]
    return [program, *flags]


def _commands() -> dict[str, list[str]]:
    own = {
        name: f"kubeconfig={PKI / name}.kubeconfig" for name in ("controller-manager", "scheduler")
    }
    return {
        "containerd": ["containerd", f"config={STATE}/containerd.toml"],
        "etcd": [
            "etcd", f"data-dir={STATE}/etcd", "unsafe-no-fsync",
            f"listen-client-urls={ETCD}", f"advertise-client-urls={ETCD}",
            f"listen-peer-urls={ETCD_PEERS}",
        ],
        "apiserver": _apiserver(PKI),
        "controller-manager": [
            "kube", own["controller-manager"], "bind-address=127.0.0.1", "leader-elect=false",
            f"service-account-private-key-file={PKI}/accounts.key", f"root-ca-file={PKI}/ca.crt",
            f"flex-volume-plugin-dir={STATE}/plugins",
            "use-service-account-credentials", "allocate-node-cidrs=false",
        ],
        "scheduler": ["kube", own["scheduler"], "bind-address=127.0.0.1", "leader-elect=false"],
        "volumes": [
            "kube", f"kubeconfig={PKI}/admin.kubeconfig", f"folder={STATE}/volumes", f"node={NODE}",
        ],
        "dns": ["dns", f"conf={STATE}/Corefile"],
        "proxy": ["kube", f"config={STATE}/proxy.json"],
        "kubelet": [
            "kube", f"config={STATE}/kubelet.json", f"kubeconfig={PKI}/kubelet.kubeconfig",
            f"hostname-override={NODE}", f"node-ip={HOST}", f"root-dir={STATE}/kubelet",
        ],
    }  # fmt: skip


def _apiserver(pki: Path) -> list[str]:
    return [
        "kube", f"etcd-servers={ETCD}", f"bind-address={HOST}", f"advertise-address={HOST}",
        "secure-port=6443", "allow-privileged=true", f"client-ca-file={pki}/ca.crt",
        f"tls-cert-file={pki}/apiserver.crt", f"tls-private-key-file={pki}/apiserver.key",
        "authorization-mode=Node,RBAC", "enable-admission-plugins=NodeRestriction",
        f"service-cluster-ip-range={SERVICES}",
        "service-account-issuer=https://kubernetes.default.svc",
        f"service-account-key-file={pki}/accounts.key",
        f"service-account-signing-key-file={pki}/accounts.key",
        "kubelet-preferred-address-types=InternalIP",
        f"kubelet-certificate-authority={pki}/ca.crt",
        f"kubelet-client-certificate={pki}/admin.crt", f"kubelet-client-key={pki}/admin.key",
    ]  # fmt: skip
