"""CellPainTR: a transformer over named features, given its source as a token, whose CLS vector is the corrected profile.

`method` what is trained, `data` minibatches, `prepare` for `impasto train`, `trained` a run that corrects, `corrector` for
`impasto correct`, `in_one_go` its three stages, `sources` whose token a well has, `attributions` back to named features.
"""
