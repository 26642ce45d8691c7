"""How sure: the only maker of intervals and p-values.

`low, high` says where a score would lie with other units (other compounds, other plates). `p_chance` says how often labels that
mean nothing score as high. Neither stands in for the other.
"""
