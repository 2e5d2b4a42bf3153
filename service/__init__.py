"""Face enrollment, verification and duplicate check."""
