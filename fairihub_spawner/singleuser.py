"""The single-user server, without a second and a half that its start would spend on nothing."""

from __future__ import annotations

from fairihub_core.lean import skip_slow_imports


def main() -> None:
    """Starts JupyterHub's single-user server."""
    skip_slow_imports()
    from jupyterhub.singleuser import main as serve

    serve()


if __name__ == "__main__":
    main()
