"""The accent colour stays readable, whatever the settings say."""

import pytest

from fairihub_core.errors import BadInput
from fairihub_core.palette import DARK, LIGHT, contrast, palette


@pytest.mark.parametrize(
    "colour", ["#0b7261", "#ffff00", "#fff", "#000", "#ff0000", "#7f7f7f", "#00c", "#FFC0CB"]
)
def test_an_accent_is_readable_on_every_ground_and_under_its_ink(colour):
    made = palette(colour)
    for accent, ink, grounds in (
        (made.light, made.on_light, LIGHT),
        (made.dark, made.on_dark, DARK),
    ):
        assert min(contrast(accent, ground) for ground in grounds) >= 4.5
        assert contrast(accent, ink) >= 4.5


def test_a_readable_colour_is_left_as_it_is():
    assert palette("#0b7261").light == "#0b7261"


@pytest.mark.parametrize(
    "colour", ["", "teal", "#12", "0b7261", "#0b7261;}", "#zzzzzz", "#1234567"]
)
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(BadInput) as refused:
        palette(colour)
    assert refused.value.code == "bad-colour"


def test_contrast_is_that_of_wcag():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
