"""What a page may do, said in the page: only its own scripts and styles, by their digests, and no address at all.

A policy without `unsafe-inline` lets no attribute `style` through, and figures are full of them. Each different one becomes a class.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import unescape

_TAG = re.compile(r"<[a-zA-Z][^<>]*?\sstyle=\"[^\"]*\"[^<>]*>")
_STYLE = re.compile(r"\sstyle=\"([^\"]*)\"")
_CLASS = re.compile(r"\sclass=\"([^\"]*)\"")


def without_style_attributes(markup: str, /) -> tuple[str, str]:
    """The same markup with a class for every `style`.

    Parameters
    ----------
    markup
        HTML without scripts.

    Returns
    -------
    markup : str
        Without the attribute.
    rules : str
        The rules of the classes.

    """
    names: dict[str, str] = {}

    def classed(match: re.Match[str]) -> str:
        tag = match.group(0)
        said = _STYLE.search(tag)
        if said is None:
            return tag
        name = names.setdefault(said.group(1), f"s{len(names)}")
        tag = tag.replace(said.group(0), "", 1)
        own = _CLASS.search(tag)
        if own is not None:
            return tag.replace(own.group(0), f' class="{own.group(1)} {name}"', 1)
        end = "/>" if tag.endswith("/>") else ">"
        return f'{tag.removesuffix(end).rstrip()} class="{name}"{end}'

    cleaned = _TAG.sub(classed, markup)
    return cleaned, "\n".join(f".{name}{{{unescape(rule)}}}" for rule, name in names.items())


def policy(*, scripts: Sequence[str], styles: Sequence[str]) -> str:
    """The content security policy of a page that asks nobody for anything.

    Parameters
    ----------
    scripts, styles
        What stands inside each element, byte for byte.

    Returns
    -------
    str
        For `<meta http-equiv="Content-Security-Policy">`.

    """
    digests = {"script-src": scripts, "style-src": styles}
    said = [f"{name} {' '.join(map(_digest, texts)) or repr('none')}" for name, texts in digests.items()]
    return "; ".join(["default-src 'none'", *said, "img-src data: blob:", "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
