"""The cluster's certificates, and the kubeconfigs of its parts and of its administrator."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from tests.cluster.starter.places import API, FIRST_SERVICE, HOST, NODE, PKI

DAYS = "30"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
CLIENTS = {
    "controller-manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "admin": "/O=system:masters/CN=admin",
}
NAMES = {
    "apiserver": f"IP:{HOST},IP:127.0.0.1,IP:{FIRST_SERVICE},DNS:localhost,"
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc",
    "kubelet": f"IP:{HOST},IP:127.0.0.1,DNS:{NODE}",
}


def make_pki() -> None:
    """Everything anew, since a cluster is forgotten when it ends."""
    PKI.mkdir(mode=0o700, parents=True)
    _openssl("req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", DAYS,
             "-subj", "/CN=fairihub-test-cluster")  # fmt: skip
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "accounts.key")
    for name, subject in {"apiserver": "/CN=kube-apiserver", **CLIENTS}.items():
        _certificate(name, subject)
    for name in CLIENTS:
        _write_kubeconfig(name)


def _certificate(name: str, subject: str) -> None:
    _openssl("req", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    names = f"subjectAltName={NAMES[name]}\n" if name in NAMES else ""
    (PKI / f"{name}.ext").write_text(names)
    _openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-days", DAYS,
             "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
             "-extfile", f"{name}.ext")  # fmt: skip


def _write_kubeconfig(name: str) -> None:
    user = {
        "client-certificate-data": _data(PKI / f"{name}.crt"),
        "client-key-data": _data(PKI / f"{name}.key"),
    }
    cluster = {"server": API, "certificate-authority-data": _data(PKI / "ca.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fairihub-test", "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [
            {"name": "fairihub-test", "context": {"cluster": "fairihub-test", "user": name}}
        ],
        "current-context": "fairihub-test",
    }
    path = PKI / f"{name}.kubeconfig"
    path.touch(0o600)
    path.write_text(json.dumps(config))  # JSON is YAML, too


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=PKI, check=True, capture_output=True, timeout=30)
