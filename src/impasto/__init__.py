"""impasto: Cell Painting plates or CellProfiler tables in; corrected, searchable, honestly scored morphology out."""

__version__ = "0.1.0"
