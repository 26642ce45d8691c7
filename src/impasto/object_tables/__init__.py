"""Tables with one row an object, as CellProfiler and DeepProfiler write them: read in parts, for cells and for profiles of sites."""
