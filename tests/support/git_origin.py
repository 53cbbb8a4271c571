"""A git repository as somebody else's server has it, and that server, with its moods."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


def git(*words: str, cwd: Path, given: bytes = b"") -> str:
    """What git prints, whatever the configuration of this machine."""
    environment = {
        **os.environ,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=cwd,
        input=given,
        env=environment,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


class Origin:
    """A bare repository at `path`, and somebody's working copy of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.copy = path.with_name(f"{path.name}-copy")
        self.copy.mkdir(parents=True)
        git("init", "--quiet", "--bare", "--", str(path), cwd=self.copy)
        git("init", "--quiet", cwd=self.copy)
        git("remote", "add", "origin", str(path), cwd=self.copy)

    def commit(self, files: Mapping[str, str | bytes | None], branch: str = "main") -> str:
        """Pushes a commit with these files written, or removed where None; its id."""
        for name, content in files.items():
            file = self.copy / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.push(branch)

    def push(self, branch: str = "main") -> str:
        """Pushes the working copy as it is, over whatever the branch was."""
        git("add", "--all", cwd=self.copy)
        git("commit", "--quiet", "--allow-empty", "--message=teams", cwd=self.copy)
        git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}", cwd=self.copy)
        return git("rev-parse", "HEAD", cwd=self.copy)


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below `root` by HTTP, as git's own `http-backend` does.

    `password`, if set, is asked for; `hangs` lets every request wait for the end of the server;
    `seen` holds the path of each request, `asked` is called on each.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.password: str | None = None
        self.hangs = False
        self.seen: list[str] = []
        self.asked = lambda: None
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def admits(self, header: str | None) -> bool:
        wanted = base64.b64encode(f"hub:{self.password}".encode()).decode()
        return self.password is None or header == f"Basic {wanted}"


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        self.server.asked()
        if self.server.hangs:
            self.server.closing.wait()
            return
        if not self.server.admits(self.headers.get("Authorization")):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._backend()

    do_POST = do_GET

    def _backend(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The tests' output stays their own."""
