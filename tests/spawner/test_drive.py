from __future__ import annotations

from types import SimpleNamespace

import pytest

from fairihub_spawner import drive

SAID = {"FAIRIHUB_BUCKET": "hub-uc4", "AWS_ENDPOINT_URL_S3": "https://s3.example.org"}


def test_a_bucket_that_is_no_folder_is_a_drive() -> None:
    found = drive.drive_of({**SAID, "AWS_SECRET_ACCESS_KEY": "canary"})
    assert found is not None
    assert (found["name"], found["url"]) == ("hub-uc4", "s3://hub-uc4")
    assert found["kwargs"]["endpoint_url"] == "https://s3.example.org"
    assert "canary" not in repr(found)
    assert drive.arguments_of(SAID) == ("--ServerApp.jpserver_extensions=jupyterfs=True",)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {**SAID, "FAIRIHUB_BUCKET_FOLDER": "/home/jovyan/s3"},
        # Of a Secret of the team, which does not have to be for a bucket of the hub's storage.
        {"S3_USER_STORAGE_BUCKET": "elsewhere"},
    ],
)
def test_no_bucket_or_a_folder_is_no_drive(said: dict[str, str]) -> None:
    assert drive.drive_of(said) is None
    assert drive.arguments_of(said) == ()


@pytest.mark.parametrize("there", [True, False])
def test_only_an_image_that_has_jupyter_fs_is_configured(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drive, "find_spec", lambda _: there or None)
    c = SimpleNamespace(ServerApp=SimpleNamespace(), JupyterFs=SimpleNamespace())
    drive.configure(c, SAID)
    assert hasattr(c.ServerApp, "contents_manager_class") is there
    assert hasattr(c.JupyterFs, "resources") is there
