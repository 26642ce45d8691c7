"""Tidy numbers -> one offline HTML page."""
