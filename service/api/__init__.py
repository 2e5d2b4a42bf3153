"""HTTP: routes, schemas, callers, problem documents."""
