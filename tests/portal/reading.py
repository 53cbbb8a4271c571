"""What a page is like to read, asked of the browser."""

from __future__ import annotations

from playwright.sync_api import Locator, expect


def shows(place: Locator, *said: str) -> None:
    """There is all of this to read, or will be shortly."""
    for words in said:
        expect(place).to_contain_text(words, use_inner_text=True)


# Text whose colour is too close to what is painted behind it; colours by way of a canvas, so
# that every notation of CSS is understood.
TOO_FAINT = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = css; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(getComputedStyle(e).backgroundColor);
    let under = [255, 255, 255];
    for (const css of layers.reverse()) {
      const [r, g, b, a] = rgba(css);
      under = [r, g, b].map((v, i) => v * a / 255 + under[i] * (1 - a / 255));
    }
    return under;
  };
  return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.closest('.fh-unseen') &&
      [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const ink = light(rgba(getComputedStyle(e).color));
      const [a, b] = [ink, light(behind(e))].sort((x, y) => x - y);
      return [e.textContent.trim().slice(0, 40), Math.round((b + 0.05) / (a + 0.05) * 100) / 100];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""
