"""The one place where adapters are built and handed to use cases.

Each file adds the parts of one room to those before it:

    Parts ── ServerWiring ── KeysWiring ── StorageWiring ── SearchingWiring ─┐
      └───── ImagesWiring ───────────────────────────────────────────────────┴─ RecordsWiring ── BulkWiring ── Wiring
"""

from service.wiring.app import build_app, server_app
from service.wiring.bulk import embedding_on_node
from service.wiring.parts import DISTRIBUTION
from service.wiring.process import Wiring

__all__ = ["DISTRIBUTION", "Wiring", "build_app", "embedding_on_node", "server_app"]
