"""The version of impasto: the package, its records and its pages take it from here."""

__version__ = "0.2.0"
