"""The model that a hub's registry begins with, as a model source (core/model.md).

The domain model of CloudEvents (endpoints, messages, schemas), and what the hub adds to it:

    channels                          the streams of the hub
    endpoints                         may hold messages, subscriptions, sources
    messagegroups/messages            may say what becomes of payloads that break the schema
    schemagroups/schemas

docs/model.md describes it for readers.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from chappe.registry.hub_model_endpoints import ENDPOINTS
from chappe.registry.hub_model_messages import MESSAGEGROUPS, MESSAGES
from chappe.registry.hub_model_own import (
    CHANNELS,
    DATAFRAMING,
    DATAFRAMINGCONTEXT,
    SOURCES,
    SUBSCRIPTIONS,
    VALIDATION,
)
from chappe.registry.hub_model_schemas import SCHEMAGROUPS

RESERVED: Final = frozenset(
    "asyncapi capabilities capabilitiesoffered catalog-info.yaml confluent console deadletters events export features"
    " find livez llms.txt metrics model modelsource nodes openapi openapi.json readyz schemaregistry services sources startupz"
    " subscriptions types validate whoami".split()
)
"""What stands at the root of the API, so no group type can have the name.

`channels` is not among them: it is a group type of the hub's model.
"""


def hub_model() -> dict[str, Any]:
    """The model source; each call gives a value of its own."""
    return deepcopy(
        {
            "description": "The model of a Chappe hub: CloudEvents' registry, channels, subscriptions, sources",
            "groups": {
                "channels": CHANNELS,
                "endpoints": {
                    **ENDPOINTS,
                    "resources": {"subscriptions": SUBSCRIPTIONS, "sources": SOURCES},
                },
                "messagegroups": {
                    **MESSAGEGROUPS,
                    "resources": {
                        "messages": {
                            **MESSAGES,
                            "attributes": {
                                **MESSAGES["attributes"],
                                "validation": VALIDATION,
                                "dataframing": DATAFRAMING,
                                "dataframingcontext": DATAFRAMINGCONTEXT,
                            },
                        }
                    },
                },
                "schemagroups": SCHEMAGROUPS,
            },
        }
    )
