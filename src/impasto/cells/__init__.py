"""Sites or tables of cells -> cells: read or segmented, stored a plate a file, checked, pooled into profiles of wells.

One row a cell; the well is the unit of each test. A `Cells` value (`impasto.cells.folder`) streams whole wells or blocks of features, so
memory holds neither a plate nor a screen. What leaves this package is Profiles.
"""
