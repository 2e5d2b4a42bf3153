"""Why a job could not be done, for the operator alone: HTTP callers are told the error's code.

The sentences are in `service/texts`, under `cause`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Each has a sentence in both languages, whose fields are the values named beside it."""

    # The address of the database.
    URL_INVALID = "url_invalid"
    OPTION_UNKNOWN = "option_unknown"  # option, nearest
    OPTION_INVALID = "option_invalid"  # option
    PASSWORD_FILE_UNUSABLE = "password_file_unusable"  # noqa: S105 - a code, no secret  # path, reason

    # On the way to it.
    HOST_UNKNOWN = "host_unknown"  # host
    PORT_CLOSED = "port_closed"  # server
    SERVER_UNREACHABLE = "server_unreachable"  # server, reason
    NO_ANSWER = "no_answer"
    NOT_POSTGRESQL = "not_postgresql"  # server
    CONNECTION_LOST = "connection_lost"
    TLS_REFUSED = "tls_refused"  # server
    TLS_FAILED = "tls_failed"  # reason
    CERTIFICATE_REFUSED = "certificate_refused"  # server
    CERTIFICATE_OF_ANOTHER_HOST = "certificate_of_another_host"  # reason
    AUTHORITY_MISSING = "authority_missing"  # path

    # Who is let in.
    PASSWORD_MISSING = "password_missing"  # noqa: S105 - a code, no secret
    PASSWORD_WRONG = "password_wrong"  # noqa: S105 - a code, no secret  # role
    NOT_ADMITTED = "not_admitted"  # said
    ROLE_UNKNOWN = "role_unknown"  # role
    DATABASE_UNKNOWN = "database_unknown"  # database
    RIGHT_MISSING = "right_missing"  # said

    # What the server has not enough of, or does just now.
    TOO_MANY_CONNECTIONS = "too_many_connections"
    DISK_FULL = "disk_full"
    STATEMENT_TIMEOUT = "statement_timeout"
    LOCK_TIMEOUT = "lock_timeout"
    SESSION_TIMEOUT = "session_timeout"
    READ_ONLY = "read_only"
    SERVER_STARTING_OR_STOPPING = "server_starting_or_stopping"
    SERVER_SAID = "server_said"  # said

    # What the database is like.
    POSTGRESQL_TOO_OLD = "postgresql_too_old"  # version, needed
    ENCODING_NOT_UTF8 = "encoding_not_utf8"  # encoding
    EXTENSION_UNAVAILABLE = "extension_unavailable"
    EXTENSION_MISSING = "extension_missing"  # database, role
    EXTENSION_TOO_OLD = "extension_too_old"  # version, needed
    EXTENSION_ELSEWHERE = "extension_elsewhere"  # schema, role
    BACKUP_OF_NEWER_SERVER = "backup_of_newer_server"  # product, backup, server
    ROLES_MISSING = "roles_missing"  # roles
    NOT_OWNER = "not_owner"
    DUMP_PROGRAM_MISSING = "dump_program_missing"  # program, server
    DUMP_PROGRAM_WITHOUT_TLS = "dump_program_without_tls"  # program, server

    # The embedded database and the keys.
    PROGRAM_FAILED = "program_failed"  # program, said
    FOLDER_READ_ONLY = "folder_read_only"  # path
    FOLDER_CLOSED = "folder_closed"  # path, user
    FOLDER_UNUSABLE = "folder_unusable"  # path, reason
    FOLDER_OF_ANOTHER_USER = "folder_of_another_user"  # path, owner, user
    FOLDER_OF_ANOTHER_VERSION = "folder_of_another_version"  # path, found, version
    FOLDER_IS_NO_DATABASE = "folder_is_no_database"  # path
    SERVER_SILENT = "server_silent"  # path, seconds
    SERVER_MOVED = "server_moved"
    FOLDER_IN_USE = "folder_in_use"  # path, seconds
    KEY_FILE_MISSING = "key_file_missing"  # path
    KEY_FILE_UNREADABLE = "key_file_unreadable"  # path, reason
    KEY_EMPTY = "key_empty"  # source
    KEY_MALFORMED = "key_malformed"  # source
    KEY_OF_WRONG_LENGTH = "key_of_wrong_length"  # source, size
    KEY_OF_ANOTHER_DATABASE = "key_of_another_database"
    KEY_SERVICE_SAID = "key_service_said"  # said
    KEY_LOST = "key_lost"  # path

    # A file of people to enroll.
    BULK_FILE_EMPTY = "bulk_file_empty"
    BULK_FILE_WITHOUT_HEAD = "bulk_file_without_head"
    BULK_FILE_IN_UTF_16 = "bulk_file_in_utf_16"
    BULK_FILE_DAMAGED = "bulk_file_damaged"  # format, reason
    BULK_FORMAT_UNKNOWN = "bulk_format_unknown"  # known


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause and what fills its sentence: never a password, nor what stands in a row."""

    cause: Cause
    values: Mapping[str, object] = field(default_factory=dict)
