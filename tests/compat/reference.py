"""The official Python client, instrumented: the bytes it received, and its records as plain values."""

import json
from datetime import date, datetime, timedelta, timezone

import requests
from kalbio.client import KalbioAPIError, KalbioResponseError, KaleidoscopeClient
from kalbio.workspace import Workspace, WorkspaceEvent, WorkspaceGroup, WorkspaceUser
from pydantic import ValidationError

__all__ = ["Refused", "KalbioAPIError", "Reference", "microseconds", "values"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MODELS = {"get_workspace": Workspace, "get_members": WorkspaceUser, "get_members_by_ids": WorkspaceUser}
MODELS |= {"get_groups": WorkspaceGroup, "get_groups_by_ids": WorkspaceGroup, "get_events": WorkspaceEvent}


class Refused(Exception):
    """The Python client could not use a 2xx answer; its exception is the cause."""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC; a time without an offset counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(microseconds=1)


def values(record) -> dict:
    """All fields of a record, times as microseconds."""
    fields = record.model_dump()
    assert not any(isinstance(value, date) and not isinstance(value, datetime) for value in fields.values())
    return {k: microseconds(v) if isinstance(v, datetime) else v for k, v in fields.items()}


class Reference:
    """A `KaleidoscopeClient`."""

    def __init__(self, url, client_id, client_secret, headers=None, iap_token=None):
        iap = {} if iap_token is None else {"iap_client_id": "audience"}
        self.client = KaleidoscopeClient(client_id, client_secret, url, headers, **iap)
        if iap_token is not None:
            # Replaces the request to Google; everything else is the client's own code.
            self.client._iap_token = iap_token
            self.client._iap_refresh_before = datetime.now() + timedelta(minutes=50)
        self.received: bytes | None = None

    def clear_caches(self):
        self.client.clear_caches()

    def call(self, name: str, *arguments, use_cache=True, **query):
        """A call of the workspace service: plain values, or None if the client returns None."""
        method = getattr(self.client.workspace, name)
        if not use_cache and name in ("get_workspace", "get_members", "get_groups"):
            query["use_cache"] = False
        send = requests.get

        def watched(*positional, **named):
            answer = send(*positional, **named)
            self.received = answer.content
            return answer

        requests.get = watched
        try:
            found = method(*arguments, **query)
        except (KalbioResponseError, ValidationError) as why:
            raise Refused(type(why).__name__) from why
        except (RecursionError, ValueError, TypeError) as why:
            # Exceptions that its decoding does not wrap; other errors raise other types.
            raise Refused(type(why).__name__) from why
        finally:
            requests.get = send
        if found is None:
            return None
        return [values(record) for record in found] if isinstance(found, list) else values(found)

    def read(self, name: str, text: bytes):
        """The same for JSON text that is not from its own request."""
        found, model = json.loads(text), MODELS[name]
        if name == "get_workspace":
            return values(model._from_api(found, self.client))
        return [values(record) for record in model._list_from_api(found, self.client)]
