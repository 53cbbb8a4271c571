"""The accent colour of a hub, made readable: on light and on dark pages, as text and under it."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from fairihub_core.errors import BadInput

LIGHT = ("#f4f6f7", "#ffffff")
DARK = ("#10161a", "#182025")
"""The page and the cards on it, as in `portal.css`."""
SOFT = 0.08
"""How much of the accent is in the ground of what is selected, as in `portal.css`."""
ENOUGH = 4.6
"""Contrast that WCAG AA asks of text (4.5), and a little for rounding."""

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """The accent and the ink to write on it, for light and for dark pages."""

    light: str
    on_light: str
    dark: str
    on_dark: str

    @property
    def css(self) -> str:
        """The palette as CSS variables; only colours that `palette` itself has written."""
        light = f"--fh-accent:{self.light};--fh-on-accent:{self.on_light}"
        dark = f"--fh-accent:{self.dark};--fh-on-accent:{self.on_dark}"
        return (
            f":root{{{light}}}"
            f"@media (prefers-color-scheme:dark){{:root:not([data-bs-theme=light]){{{dark}}}}}"
            f":root[data-bs-theme=dark]{{{dark}}}"
        )

    @property
    def css_hash(self) -> str:
        """What a Content-Security-Policy calls this very style."""
        return "sha256-" + b64encode(sha256(self.css.encode()).digest()).decode()


def palette(colour: str) -> Palette:
    """The palette of a hub whose settings say `colour`; darkened or lightened until readable.

    Raises:
        BadInput: `bad-colour`, it is no `#rgb` or `#rrggbb`.
    """
    if not _HEX.fullmatch(colour):
        raise BadInput("bad-colour", f"“{colour[:40]}” is no colour; write it like #0b7261.")
    light = _readable(_rgb(colour), LIGHT, towards=(0, 0, 0))
    dark = _readable(_rgb(colour), DARK, towards=(255, 255, 255))
    return Palette(_hex(light), _ink_on(light), _hex(dark), _ink_on(dark))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG defines it."""
    return _contrast(_rgb(one), _rgb(other))


def _readable(colour: _Rgb, grounds: tuple[str, str], towards: _Rgb) -> _Rgb:
    steps = (_mixed(colour, towards, step / 50) for step in range(51))
    return next(
        step
        for step in steps
        if all(
            _contrast(step, ground) >= ENOUGH
            for ground in (
                *map(_rgb, grounds),
                *(_mixed(_rgb(ground), step, SOFT) for ground in grounds),
            )
        )
    )


def _ink_on(colour: _Rgb) -> str:
    return max("#ffffff", "#0e1416", key=lambda ink: _contrast(_rgb(ink), colour))


def _mixed(colour: _Rgb, other: _Rgb, share: float) -> _Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _contrast(one: _Rgb, other: _Rgb) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: _Rgb) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(text: str) -> _Rgb:
    digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _hex(colour: _Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
