"""The cases for each field and method."""

from case_texts import RECORDS, ROOTS
from case_times import TIME
from case_values import BOOL, INT, LIST, OBJECT, TEXT

OF_KIND = {"event_type_version": INT, "is_bot": BOOL, "is_bulk": BOOL, "created_at": TIME, "event_attrs": OBJECT,
           "user_ids": LIST, "program_ids": LIST}
FIELDS = {
    "get_workspace": ["id", "workspace_name"],
    "get_members": ["id", "full_name", "preferred_name", "access_level", "email"],
    "get_groups": ["id", "group_name", "user_ids", "program_ids", "email"],
    "get_events": ["id", "full_name", "preferred_name", "is_bot", "event_attrs", "created_at", "resource_id", "resource_type",
                   "event_type", "event_type_version", "event_user_id", "parent_bulk_event_id", "is_bulk"],
}


def of_fields():
    """Method, field, literal."""
    for method, fields in FIELDS.items():
        for field in fields:
            for literal in OF_KIND.get(field, TEXT):
                yield method, field, literal


def of_texts():
    """Method, the record or the whole answer, and the answer."""
    for method in FIELDS:
        for text in ROOTS:
            yield method, text, text
        for record in RECORDS:
            yield method, record, record if method == "get_workspace" else f"[{record}]"
