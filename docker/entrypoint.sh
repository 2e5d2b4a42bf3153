#!/bin/sh
# libpq takes a database password from a file (PGPASSFILE), but only one that nobody else can read.
# A mounted secret keeps its owner and mode from the host, so it is copied into the container's
# memory, where it is neither in the environment nor on a disk.
set -eu
umask 077
if [ -n "${DATABASE_PASSWORD_FILE:-}" ]; then
    PGPASSFILE=${TMPDIR:-/tmp}/pgpass
    printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$DATABASE_PASSWORD_FILE")" > "$PGPASSFILE"
    export PGPASSFILE
fi
exec "$@"
