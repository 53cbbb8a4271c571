"""Containers for `KubeHub.containers` that do as they are told by HTTP.

`kubectl exec` leaves the pod where the cluster runs in a chroot, so what is to be known of the
inside of a pod is asked of its own process. Never to be used where others reach the pods.
"""

from __future__ import annotations

import urllib.request

# Kubernetes takes the process's own number, a doubled dollar, for one dollar.
_SERVE = r"""
n=0 status='200 OK'
read -r method path rest
case $method$JUPYTERHUB_SERVICE_PREFIX in
    # There is more than one way to write such a name in an address.
    POST* | *%*) ;;
    # Another pod may have had this address before.
    *) [ "${path#"$JUPYTERHUB_SERVICE_PREFIX"}" != "$path" ] || status='503 Of another' ;;
esac
while read -r line; do
    line=${line%"$(printf '\r')"}
    [ -n "$line" ] || break
    case $line in [Cc]ontent-[Ll]ength:*) n=${line#*: } ;; esac
done
asked=$(mktemp) said=$(mktemp)
head -c "$n" >"$asked"
sh "$asked" >"$said" 2>&1
size=$(wc -c <"$said")
printf 'HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %s\r\n\r\n' "$status" "$size"
cat "$said"
rm -f "$asked" "$said"
"""
_LISTEN = 'printf %s "$0" >/tmp/serve; exec nc -ll -p 8888 -e sh /tmp/serve'
STAND_IN = {"command": ["sh", "-c", _LISTEN, _SERVE], "args": None}
"""Answers in an instant in place of a user's server, with an image of busybox."""
_BESIDE = """
import http.server, os, subprocess, sys

class Asked(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        script = self.rfile.read(int(self.headers["Content-Length"]))
        done = subprocess.run(["sh"], input=script, stdout=-1, stderr=subprocess.STDOUT)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(done.stdout)

if os.fork():
    os.execvp(sys.argv[1], sys.argv[1:])
http.server.HTTPServer(("", 8899), Asked).serve_forever()
"""
BESIDE = {"command": ["python", "-c", _BESIDE]}
"""A user's server with its own command, and beside it somebody who does as they are told."""


def run_in(pod: dict[str, object], script: str) -> str:
    """What `script` prints in a container of such a pod, errors too."""
    status, spec = pod["status"], pod["spec"]
    assert isinstance(status, dict)
    assert isinstance(spec, dict)
    port = 8899 if spec["containers"][0].get("args") else 8888
    url = f"http://{status['podIP']}:{port}/"
    with urllib.request.urlopen(url, script.encode(), timeout=20) as answer:
        said: str = answer.read().decode()
        return said
