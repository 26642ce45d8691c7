"""The hook of the pages keeps options whole in sentences and tables, and leaves blocks of code as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PATH = Path(__file__).parents[2] / "docs" / "whole_options.py"


def test_words_with_hyphens_are_kept_whole_in_sentences_alone() -> None:
    spec = importlib.util.spec_from_file_location("whole_options", PATH)
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    block = "<pre><span></span><code>impasto check a --out b\n</code></pre><pre><code>a --b</code></pre>"
    long = f"<code>{'a-' * 20}b</code>"
    shown = hook.on_page_content(f"<p><code>impasto check a --out b</code> and <code>plain</code></p>{block}{long}", page=None)
    assert shown == f'<p><code>impasto check a <span class="whole">--out</span> b</code> and <code>plain</code></p>{block}{long}'
