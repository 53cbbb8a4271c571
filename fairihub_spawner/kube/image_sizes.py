"""How large images are, as the cluster tells it when it has fetched one."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fairihub_spawner.kube.observed import happenings, image_of

MOST_SIZES = 500
_SIZE = re.compile(r"Image size: (\d+) bytes")


class ImageSizes:
    """Bytes of the images that were fetched lately, so that the next start can tell them."""

    def __init__(self, most: int = MOST_SIZES) -> None:
        self._most = most
        self._known: OrderedDict[str, int] = OrderedDict()

    @property
    def known(self) -> Mapping[str, int]:
        return self._known

    def remember(self, pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        """Notes the size of the pod's image, if its events tell it."""
        image = image_of(pod)
        told = happenings(pod, (), events)
        size = image_size(h.message for h in told if h.reason == "Pulled" and image in h.message)
        if image and size:
            self._known[image] = size
            self._known.move_to_end(image)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def image_size(messages: Iterable[str]) -> int | None:
    """The bytes that a message on a fetched image names."""
    found = (match for message in messages if (match := _SIZE.search(message)))
    return next((int(match[1]) for match in found), None)
