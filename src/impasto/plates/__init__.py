"""Folders of images -> a table of sites."""
