"""What people read of where a run stands, in web pages and in terminals.

Programs read the words of OGC API Processes, which are the keys.
"""

from __future__ import annotations

RUN_WORDS = {
    "accepted": "waiting",
    "running": "running",
    "successful": "succeeded",
    "failed": "failed",
    "dismissed": "cancelled",
}


def state_of(said: str) -> str | None:
    """The state that somebody means, who may say it in either way; None if there is none such."""
    states = {word: state for state, word in RUN_WORDS.items()}
    return said if said in RUN_WORDS else states.get(said)
