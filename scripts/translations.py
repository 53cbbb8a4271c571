"""Gathers the words of the hub's pages into `fairihub.pot` and brings each translation up to date.

Run it as `python -m scripts.translations` after a change of a page; then translate what it counts.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from fairihub_core import start_causes

ROOM = Path(__file__).parent.parent / "fairihub_portal"
TEMPLATE = ROOM / "translations" / "fairihub.pot"
KEYWORDS = {**DEFAULT_KEYWORDS, "plain": None}
HEADER = """\
# The words of the hub's pages; `python -m scripts.translations` gathers them.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"MIME-Version: 1.0\\n"
"""


def gathered() -> Catalog:
    """Every text that the pages mark for translation, and the causes of starts that fail."""
    with (ROOM / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    catalog = Catalog()
    found = extract_from_dir(ROOM, methods, options, KEYWORDS)
    for path, line, text, _, context in found:
        catalog.add(text, locations=[(Path(path).as_posix(), line)], context=context)
    for text in start_causes.texts():
        catalog.add(text, locations=[("fairihub_core/start_causes.py", 1)])
    return catalog


def updated(translated: Catalog, texts: Catalog) -> Catalog:
    """The translations of the `texts` there are now; nothing is guessed."""
    translated.update(texts, no_fuzzy_matching=True)
    translated.obsolete.clear()
    return translated


def missing(translated: Catalog) -> list[str]:
    """The texts that have no translation yet."""
    return [str(m.id) for m in translated if m.id and (m.fuzzy or not all(_forms(m.string)))]


def written(catalog: Catalog) -> str:
    """As a file holds it: by their words, and without what changes by itself."""
    out = BytesIO()
    write_po(out, catalog, width=100, omit_header=True, sort_output=True, include_lineno=False)
    plural = f'"Language: {catalog.locale}\\n"\n"Plural-Forms: {catalog.plural_forms}\\n"\n'
    return HEADER + (plural if catalog.locale else "") + "\n" + out.getvalue().decode()


def _forms(string: object) -> tuple[object, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (string,)


def main() -> None:
    texts = gathered()
    TEMPLATE.write_text(written(texts), encoding="utf-8")
    for path in sorted(TEMPLATE.parent.glob("*/LC_MESSAGES/*.po")):
        with path.open("rb") as file:
            catalog = updated(read_po(file, locale=path.parts[-3]), texts)
        path.write_text(written(catalog), encoding="utf-8")
        print(f"{path.parts[-3]}: {len(catalog)} texts, {len(missing(catalog))} to translate")


if __name__ == "__main__":
    main()
