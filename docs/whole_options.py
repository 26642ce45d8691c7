"""A hook of mkdocs: a word of inline code such as `--out` is not broken at its hyphens, so that it can be copied as it stands."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 32
"""Letters of a word that is kept whole: a longer one would be wider than a phone."""
_INLINE = re.compile(r"(?<!<pre>)(?<!</span>)<code>([^<]*)</code>")
_WORD = re.compile(r"(?<!\S)(?=\S*-)\S+(?!\S)")


def on_page_content(html: str, **_: Any) -> str:
    """The page, with a span around each such word."""
    return _INLINE.sub(lambda code: f"<code>{_WORD.sub(_whole, code[1])}</code>", html)


def _whole(word: re.Match[str]) -> str:
    return f'<span class="whole">{word[0]}</span>' if len(word[0]) <= LONGEST else word[0]
