"""The codes of what is wrong with a field of a request or of a bulk file."""

from __future__ import annotations

from enum import StrEnum


class FieldProblem(StrEnum):
    """Part of the contract: it stands in the answer's `errors`."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_IN_QUERY = "not_in_query"
    REPEATED = "repeated"
    INVALID = "invalid"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    NOT_JSON = "not_json"
    NOT_BASE64 = "not_base64"
    NOT_MULTIPART = "not_multipart"
    NOT_UTF_8 = "not_utf_8"
    NOT_TEXT = "not_text"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_LIST = "not_list"
    NOT_OBJECT = "not_object"
    NOT_A_CHOICE = "not_a_choice"
    NOT_A_NAME = "not_a_name"
    NOT_A_MOMENT = "not_a_moment"
    NOT_PRINTABLE = "not_printable"
    ONE_SOURCE = "one_source"
    NOT_SAVED_AS_UTF_8 = "not_saved_as_utf_8"
    OPEN_QUOTES = "open_quotes"
    NUMBER_OF_FIELDS = "number_of_fields"
    NO_SUCH_FILE = "no_such_file"
    NO_SUCH_FOLDER = "no_such_folder"
    NOT_A_FILE = "not_a_file"
    CLOSED = "closed"
    NO_PHOTOGRAPHS = "no_photographs"
    LOOSE_PHOTOGRAPH = "loose_photograph"
    LINK_LEADS_NOWHERE = "link_leads_nowhere"
