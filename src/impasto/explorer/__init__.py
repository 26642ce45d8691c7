"""The explorer: the map, the plates, the cells and the compounds of an index, in a browser on this machine."""
