"""A hook of mkdocs: each notebook of docs/notebooks becomes a page, with the pictures that it was executed with."""

from __future__ import annotations

from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a Markdown page for every notebook, and its pictures beside it."""
    folder = Path(config.docs_dir) / "notebooks"
    for path in sorted(folder.glob("*.ipynb")):
        text, resources = MarkdownExporter().from_notebook_node(nbformat.read(path, as_version=4))
        for name, picture in resources["outputs"].items():
            text = text.replace(f"({name})", f"({path.stem}-{name})")
            files.append(File.generated(config, f"notebooks/{path.stem}-{name}", content=picture))
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
        notebook = files.get_file_from_path(f"notebooks/{path.name}")
        if notebook is not None:
            files.remove(notebook)
    return files
