"""`python -m fairihub_headless`: the runs service, as the hub starts it."""

from fairihub_core.lean import skip_slow_imports


def main() -> None:
    """Serves until it is told to stop."""
    skip_slow_imports()
    from fairihub_headless.service import main as serve

    serve()


if __name__ == "__main__":
    main()
