"""The rules of faces, templates and decisions. No I/O, no framework, no clock of its own."""
