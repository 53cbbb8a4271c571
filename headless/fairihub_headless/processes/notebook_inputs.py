"""What `execute-notebook` can be given, and what it brings: its tables of inputs and outputs."""

from __future__ import annotations

import re
from typing import Any

from fairihub_headless.models import NOTEBOOK_TYPE, Priority
from fairihub_headless.processes.model import Input, Output

MOST_RETRIES = 5
VERSION = re.compile(r"[0-9a-f]{7,64}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
_TEXT_OR_NUMBER = {"oneOf": [{"type": "string"}, {"type": "number"}]}
_NOT_RESERVED = "; never above the profile. It is shown with the run, and reserves nothing."

UPLOAD: dict[str, Any] = {
    "type": "object",
    "required": ["value", "mediaType"],
    "properties": {
        "value": {
            "oneOf": [{"type": "object"}, {"type": "string"}],
            "description": "The notebook, as in its file; or the text of the file.",
        },
        "mediaType": {"type": "string", "enum": [NOTEBOOK_TYPE]},
    },
}
"""A notebook in the request itself, as a qualified value of OGC API Processes."""

INPUTS: dict[str, Input] = {
    "notebook": Input(
        {"oneOf": [{"type": "string", "minLength": 1, "maxLength": 1024}, UPLOAD]},
        "A path in your home that ends in .ipynb, the id of a notebook of the catalogue, or the "
        'notebook itself: `{"value": {…}, "mediaType": "application/x-ipynb+json"}`.',
        required=True,
        media_types=(NOTEBOOK_TYPE,),
    ),
    "notebook_version": Input(
        {"type": "string", "pattern": VERSION.pattern},
        "Of a notebook of the catalogue: the commit that published it, or of a file in a library "
        "the SHA-256 of what is there now. Left out, the present one.",
    ),
    "parameters_json": Input(
        {"type": "object"},
        "Values for the notebook's parameters, by name; only declared names are accepted.",
    ),
    "parameters": Input(
        {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/yaml"},
        "The same as base64-encoded YAML, for older clients. Not together with parameters_json.",
        media_types=("application/yaml", "text/yaml"),
    ),
    "team": Input(
        {"type": "string"}, "The team whose home and profile are used; if you have several."
    ),
    "profile": Input({"type": "string"}, "A profile of yours: its slug, or team.slug."),
    "kernel": Input({"type": "string"}, "Name of the kernel; default is the notebook's own."),
    "cpu_requests": Input(_TEXT_OR_NUMBER, f"Cores, such as 500m or 2{_NOT_RESERVED}"),
    "cpu_limit": Input(_TEXT_OR_NUMBER, "Cores; never above the profile."),
    "mem_requests": Input(_TEXT_OR_NUMBER, f"Memory, such as 512Mi{_NOT_RESERVED}"),
    "mem_limit": Input(_TEXT_OR_NUMBER, "Memory, 128Mi or more; never above the profile."),
    "output_filename": Input(
        {"type": "string"}, "Name of the executed notebook; a plain file name."
    ),
    "output_dirname": Input(
        {"type": "string"},
        "A folder name: a copy of the executed notebook is put into ~/job-output/<name>.",
    ),
    "result_data_directory": Input(
        {"type": "string", "maxLength": 1024},
        "A folder in your home: after success the files of RESULTS_DIRECTORY are copied there, "
        "in place of files of the same names. `{job_name}` in it becomes the id of the run.",
    ),
    "git_revision": Input(
        {"type": "string", "pattern": REVISION.pattern},
        "A branch, tag or commit of the repository that the operator has set: it is checked out "
        "for the run, and the notebook can be named as `git/algorithm/….ipynb`.",
    ),
    "run_on_fargate": Input(
        {"type": "boolean", "enum": [False]}, "Only false; there is no Fargate."
    ),
    "image": Input({"type": "string"}, "Only the image that the profile itself names."),
    "node_purpose": Input(
        {"type": "string"}, "Only the node purpose that the profile itself names."
    ),
    "deadline": Input(
        {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        "Seconds after which an attempt is ended; never above what the hub allows.",
    ),
    "retries": Input(
        {"type": "integer", "minimum": 0, "maximum": MOST_RETRIES, "default": 0},
        "How often the run is begun again, with growing pauses, if its kernel, its worker or the "
        "service died. A notebook that fails by itself is not begun again. Without retries a "
        "notebook is started at most once.",
    ),
    "priority": Input(
        {"type": "string", "enum": [p.value for p in Priority], "default": "normal"},
        "Which of your own waiting runs goes first. It takes no turn away from other members.",
    ),
}
"""Every input of `execute-notebook`: its JSON Schema and what a person should know."""

OUTPUTS: dict[str, Output] = {
    "scraps": Output({"type": "object"}, "Values that the notebook glued, by name."),
    "displays": Output({"type": "object"}, "Displays that the notebook glued: data by media type."),
    "notebook": Output(
        {"type": "object", "contentMediaType": NOTEBOOK_TYPE},
        "The executed notebook; a link unless asked for by value.",
        NOTEBOOK_TYPE,
    ),
    "files": Output(
        {"type": "array", "items": {"type": "object"}},
        "Links to the files that the notebook left in its results.",
    ),
}
