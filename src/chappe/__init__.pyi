"""The public names of Chappe and their types; `__init__.py` imports each when it is asked for."""

from chappe.client.arrived import Arrived as Arrived
from chappe.client.client import Client as Client
from chappe.client.declared import Schema as Schema
from chappe.client.deliveries import Deliveries as Deliveries
from chappe.client.deliveries import Delivery as Delivery
from chappe.client.publisher import Pending as Pending
from chappe.client.publisher import Publisher as Publisher
from chappe.client.sync import SyncClient as SyncClient
from chappe.client.tail import Streamed as Streamed
from chappe.client.trying import Retry as Retry
from chappe.client.views import BatchReceipt as BatchReceipt
from chappe.client.views import Judged as Judged
from chappe.client.views import Receipt as Receipt
from chappe.client.views import Trace as Trace
from chappe.consumer import Consumer as Consumer
from chappe.consumer import Outcome as Outcome
from chappe.consumer import Reject as Reject
from chappe.domain.errors import Ambiguous as Ambiguous
from chappe.domain.errors import CallerError as CallerError
from chappe.domain.errors import ChappeError as ChappeError
from chappe.domain.errors import Conflict as Conflict
from chappe.domain.errors import Forbidden as Forbidden
from chappe.domain.errors import InvalidBatch as InvalidBatch
from chappe.domain.errors import InvalidEvent as InvalidEvent
from chappe.domain.errors import Malformed as Malformed
from chappe.domain.errors import NotFound as NotFound
from chappe.domain.errors import OutOfSpace as OutOfSpace
from chappe.domain.errors import Overloaded as Overloaded
from chappe.domain.errors import SchemaMismatch as SchemaMismatch
from chappe.domain.errors import TooLarge as TooLarge
from chappe.domain.errors import Unauthenticated as Unauthenticated
from chappe.domain.errors import Unavailable as Unavailable
from chappe.domain.errors import UnsupportedFormat as UnsupportedFormat
from chappe.domain.event import Event as Event

__version__: str
