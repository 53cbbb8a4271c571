"""A stand-in Kubernetes API on the loopback address, for faults and numbers that a real one lacks.

```python
with StandinKube() as kube:
    os.environ["KUBECONFIG"] = str(kube.kubeconfig(tmp_path / "config"))
    kube.put("customers", {"metadata": {"name": "uc4", "namespace": "core"}, "spec": {}})
    kube.fail(gone(), verb="watch", resource="customers")       # the next one is answered with 410
    kube.say("pods", error_event(410))                          # in every open stream of pods
    kube.tear("customers")                                      # dropped in the middle of a line
    kube.close(); kube.start()                                  # away, and back at the same address
```
"""

from tests.support.standin_kube.faults import (
    Empty,
    Garbage,
    Hang,
    Lost,
    Refusal,
    Slow,
    error_event,
    forbidden,
    gone,
    too_many,
)
from tests.support.standin_kube.kubelet import Kubelet
from tests.support.standin_kube.server import Asked, StandinKube
from tests.support.standin_kube.store import Store

__all__ = [
    "Asked",
    "Empty",
    "Garbage",
    "Hang",
    "Kubelet",
    "Lost",
    "Refusal",
    "Slow",
    "StandinKube",
    "Store",
    "error_event",
    "forbidden",
    "gone",
    "too_many",
]
