"""papermill as a process of pygeoapi, as little of it as there can be; pygeoapi loads it."""

import json
import tempfile
from pathlib import Path

import papermill
from pygeoapi.process.base import BaseProcessor

METADATA = {
    "version": "1.0.0",
    "id": "execute-notebook",
    "title": {"en": "Notebook"},
    "description": {"en": "Executes a notebook"},
    "jobControlOptions": ["sync-execute"],
    "keywords": ["notebook"],
    "links": [],
    "inputs": {
        "notebook": {
            "title": "Notebook",
            "schema": {"type": "string"},
            "minOccurs": 1,
            "maxOccurs": 1,
        }
    },
    "outputs": {"notebook": {"title": "Executed", "schema": {"type": "object"}}},
    "example": {"inputs": {"notebook": "work.ipynb"}},
}


class PapermillProcessor(BaseProcessor):
    def __init__(self, processor_def):
        super().__init__(processor_def, METADATA)

    def execute(self, data, outputs=None):
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "made.ipynb"
            papermill.execute_notebook(data["notebook"], str(made), progress_bar=False)
            return "application/json", json.loads(made.read_text())
