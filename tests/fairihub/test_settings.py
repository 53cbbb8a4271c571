"""Settings are read with a clear answer to what is wrong with them."""

from __future__ import annotations

import pytest

from fairihub.settings import Settings, read_settings
from fairihub_core.errors import BadInput


@pytest.fixture
def settings_of(tmp_path):
    def write(text):
        (tmp_path / "fairihub.yaml").write_text(text)
        return read_settings(tmp_path / "fairihub.yaml")

    return write


def test_defaults_work(settings_of):
    assert read_settings(None) == Settings()
    assert settings_of("") == Settings()
    assert settings_of("# nothing\n").catalog_name == "Notebook Catalog"


def test_what_is_written_counts(settings_of):
    settings = settings_of("name: Cube Lab\nidle_minutes: 15\noperators: [ada]\n")
    assert (settings.name, settings.idle_minutes, settings.operators) == ("Cube Lab", 15, ("ada",))


def test_a_logo_is_found_beside_the_settings(settings_of, tmp_path):
    (tmp_path / "logo.svg").write_text("<svg/>")
    assert settings_of("logo: logo.svg").logo == tmp_path / "logo.svg"
    with pytest.raises(BadInput, match="there is no file"):
        settings_of("logo: other.svg")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("idle_minute: 5", "“idle_minute” is no setting. Did you mean “idle_minutes”?"),
        ("idle_minutes: 0", "idle_minutes: Input should be greater than or equal to 1"),
        ("idle_minutes: soon", "idle_minutes: Input should be a valid integer"),
        ("colour: red", "colour:"),
        ("- a", "settings are written as `key: value`"),
        ("a: [", "not valid YAML"),
        ("operators: [Ada Lovelace]", "operators.0:"),
        ("x" * 300_000, "settings are written as"),
    ],
)
def test_what_is_wrong_is_named(settings_of, text, words):
    with pytest.raises(BadInput) as refusal:
        settings_of(text)
    assert refusal.value.code == "bad-settings"
    assert words in refusal.value.message


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        read_settings(tmp_path / "fairihub.yaml")
