"""Whether a kernel that has begun already does for a run, or it needs one that begins anew.

Pure but for looking at a few names in the run's folders. A kernel is taken warm only where nobody
could tell it from a cold one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from pathlib import Path

_LAUNCHERS = ("ipykernel_launcher", "ipykernel")
_FLAGS = re.compile(r"-X[a-z_]+(=[a-z0-9]+)?|-[BbOsuq]+")
_AT_BIRTH = re.compile(
    r"(PYTHON(?!PATH$)|IPYTHON|IPYKERNEL|JUPYTER_(?!RUNTIME_DIR$|PATH$)|PYDEVD|DEBUGPY|TRAITLETS"
    r"|JPY_|LD_|DYLD_|MALLOC_|GLIBC_|LC_|OMP_|OPENBLAS_|MKL_|BLIS_|NUMEXPR_|KMP_|NUMBA_|NPY_"
    r"|GDAL_|PROJ_|MPL(?!BACKEND$)|MATPLOTLIB).*|LANG|LANGUAGE|USER|NO_COLOR"
)
"""Variables that an interpreter, its libraries or IPython look at once, when they begin."""
_CUSTOM = ("sitecustomize", "usercustomize")
_PROFILE = Path(".ipython/profile_default")
_CONFIGURATION = tuple(
    f"ipython{kernel}_config{suffix}" for kernel in ("", "_kernel") for suffix in (".py", ".json")
)


@dataclass(frozen=True)
class Facts:
    """What a fork server says of itself."""

    modules: frozenset[str]
    """The first parts of the names of all that it has imported."""
    late: frozenset[str]
    """Those of them that a new kernel would also look for in the folder it works in."""
    environment: Mapping[str, str]
    user_site: str | None
    """Where a new interpreter would find packages in the home, as seen from there."""
    digest: str | None


def is_ipython(argv: Sequence[str]) -> bool:
    """Whether the command of a kernelspec is that of IPython's own kernel, and nothing more."""
    if len(argv) < 5 or not Path(argv[0]).is_absolute():
        return False
    *flags, minus_m, launcher, minus_f, file = argv[1:]
    fits = (minus_m, minus_f, file) == ("-m", "-f", "{connection_file}") and launcher in _LAUNCHERS
    return fits and all(_FLAGS.fullmatch(flag) for flag in flags)


def variable_at_birth(given: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """A variable that would have made an interpreter begin otherwise than `here`; its name."""
    names = sorted(name for name in {*given, *here} if _AT_BIRTH.fullmatch(name))
    return next((name for name in names if given.get(name) != here.get(name)), None)


def why_cold(facts: Facts, environment: Mapping[str, str], cwd: Path) -> str | None:
    """Why a run with this environment needs a kernel that begins anew; None if it does not."""
    name = variable_at_birth(environment, facts.environment)
    if name is not None:
        return f"the variable {name} acts when Python starts"
    for folder in filter(None, environment.get("PYTHONPATH", "").split(":")):
        if found := _shadowed(Path(folder), facts.modules.union(_CUSTOM)):
            return f"“{found}” of {Path(folder).name} comes before the one that is loaded already"
    if found := _first_here(cwd, facts.late):
        return f"“{found}” of the working folder comes before the one that is loaded already"
    home = Path(environment.get("HOME", "/"))
    if facts.user_site is not None and (home / facts.user_site).is_dir():
        return f"~/{facts.user_site} holds packages"
    return _own_profile(home)


def _own_profile(home: Path) -> str | None:
    profile = home / _PROFILE
    for name in _CONFIGURATION:
        if (profile / name).exists():
            return f"~/{_PROFILE}/{name} configures IPython"
    try:
        startup = sorted(path.name for path in (profile / "startup").iterdir())
    except OSError:
        return None
    for name in startup:
        if name.endswith((".py", ".ipy")):
            return f"~/{_PROFILE}/startup/{name} is executed at the start"
    return None


def _shadowed(folder: Path, names: Iterable[str]) -> str | None:
    """A name of those that would be found in `folder`, which may hold thousands of others."""
    try:
        here = {path.name.partition(".")[0] for path in folder.iterdir()}
    except OSError:
        return None
    return min(here.intersection(names), default=None)


def _first_here(folder: Path, names: Iterable[str]) -> str | None:
    """As `_shadowed`, for few names in a folder that may hold anything."""
    endings = ("/__init__.py", *all_suffixes())
    found = (n for n in sorted(names) if any((folder / f"{n}{e}").exists() for e in endings))
    return next(found, None)
