"""The page's policy names exactly what is in the page; no attribute of style is left."""

from __future__ import annotations

import base64
import hashlib

from impasto.report import policy


def test_styles_become_classes() -> None:
    markup = '<p style="color: red">a</p><svg class="x" style="a: &quot;b&quot;" width="3"><path style="color: red"/></svg>'
    cleaned, rules = policy.without_style_attributes(markup)
    assert cleaned == '<p class="s0">a</p><svg class="x s1" width="3"><path class="s0"/></svg>'
    assert rules == '.s0{color: red}\n.s1{a: "b"}'


def test_text_that_speaks_of_style_is_left_alone() -> None:
    markup = "<p>style=&#34;color: red&#34; and <b>x</b></p>"
    assert policy.without_style_attributes(markup) == (markup, "")


def test_digests_are_of_what_stands_there() -> None:
    said = policy.policy(scripts=["alert(1)"], styles=["p{}", "b{}"])
    digest = base64.b64encode(hashlib.sha256(b"alert(1)").digest()).decode()
    assert f"script-src 'sha256-{digest}'" in said
    assert said.count("sha256-") == 3
    assert "unsafe" not in said
    assert said.startswith("default-src 'none'; ")
    assert "img-src data: blob:" in said
    assert "script-src 'none'" in policy.policy(scripts=[], styles=["p{}"])
