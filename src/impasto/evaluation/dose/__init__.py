"""Dose and response, step by step: the response of a well, the Hill curve, the test against flat, and the doses that may be named."""
