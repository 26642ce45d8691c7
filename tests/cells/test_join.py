from __future__ import annotations

import numpy as np
import pytest

from impasto.cells.join import NONE, Numbers, image_of, join, key, number_of, relate
from impasto.schema import InputError


def keys(*pairs: tuple[int, float]) -> np.ndarray:
    image, number = (np.array(part) for part in zip(*pairs, strict=True))
    return key(image, number.astype(float))


def test_a_key_holds_image_and_number_and_says_none() -> None:
    own = keys((0, 1), (7, 3), (7, 0), (-1, 3), (7, np.nan))
    assert number_of(own).tolist() == [1, 3, NONE, NONE, NONE]
    assert image_of(own).tolist() == [0, 7, NONE, NONE, NONE]


def test_links_go_both_ways_and_through_others_the_nearest_first() -> None:
    parents = {"Foci": ["Nuclei", "Cells"], "Nuclei": [], "Cells": ["Nuclei"], "Cytoplasm": ["Nuclei", "Cells"], "Spots": ["Nuclei"]}
    links = {link.name: (link.through, link.is_parent) for link in relate(parents, unit="Cells", where="here")}
    assert links == {"Nuclei": ("Cells", True), "Foci": ("Cells", False), "Cytoplasm": ("Cells", False), "Spots": ("Nuclei", False)}


def test_a_unit_that_is_not_there_lists_what_there_is() -> None:
    with pytest.raises(InputError, match=r"no table of 'Cels' \(did you mean 'Cells'\?\); there are Cells, Nuclei: choose one with --unit"):
        relate({"Cells": ["Nuclei"], "Nuclei": []}, unit="Cels", where="here")


def test_compartments_without_parents_are_never_joined_by_their_numbers() -> None:
    with pytest.raises(InputError, match=r"no column Parent_\.\.\. ties Cells to Nuclei"):
        relate({"Cells": [], "Nuclei": []}, unit="Cells", where="here")
    assert relate({"Cells": []}, unit="Cells", where="here") == []


def test_two_cells_may_share_a_nucleus_and_a_parent_of_zero_is_none() -> None:
    cells = Numbers(keys((0, 1), (0, 2), (0, 3)), {"Nuclei": keys((0, 5), (0, 5), (0, 0))})
    nuclei = Numbers(keys((0, 4), (0, 5)), {})
    links = relate({"Cells": ["Nuclei"], "Nuclei": []}, unit="Cells", where="here")
    joined = join({"Cells": cells, "Nuclei": nuclei}, links, unit="Cells", where="here")
    assert joined.rows["Nuclei"].tolist() == [1, 1, NONE]
    assert joined.orphans.tolist() == [False, False, True]
    assert joined.without_unit == {"Nuclei": 1}


def test_of_several_only_the_count_stays_and_nothing_is_tied_through_them() -> None:
    cells = Numbers(keys((0, 1), (0, 2)), {})
    foci = Numbers(keys((0, 1), (0, 2), (0, 3)), {"Cells": keys((0, 2), (0, 2), (0, 9))})
    rings = Numbers(keys((0, 1)), {"Foci": keys((0, 1))})
    links = relate({"Cells": [], "Foci": ["Cells"], "Rings": ["Foci"]}, unit="Cells", where="here")
    joined = join({"Cells": cells, "Foci": foci, "Rings": rings}, links, unit="Cells", where="here")
    assert joined.counts["Foci"].tolist() == [0, 2]
    assert list(joined.rows) == ["Cells"]
    assert joined.unrelated == ["Rings"]
    assert joined.without_unit["Foci"] == 1


def test_the_same_number_in_another_image_is_another_object() -> None:
    cells = Numbers(keys((0, 1), (1, 1)), {"Nuclei": keys((0, 1), (1, 1))})
    nuclei = Numbers(keys((1, 1), (0, 1)), {})
    links = relate({"Cells": ["Nuclei"], "Nuclei": []}, unit="Cells", where="here")
    assert join({"Cells": cells, "Nuclei": nuclei}, links, unit="Cells", where="here").rows["Nuclei"].tolist() == [1, 0]


def test_an_object_that_is_there_twice_is_refused() -> None:
    cells = Numbers(keys((0, 1), (0, 1)), {})
    with pytest.raises(InputError, match="Cells holds 1 objects twice"):
        join({"Cells": cells}, [], unit="Cells", where="here")


def test_an_empty_table_joins_nothing() -> None:
    cells = Numbers(keys((0, 1)), {"Nuclei": keys((0, 1))})
    nuclei = Numbers(np.empty(0, dtype=np.int64), {})
    links = relate({"Cells": ["Nuclei"], "Nuclei": []}, unit="Cells", where="here")
    assert join({"Cells": cells, "Nuclei": nuclei}, links, unit="Cells", where="here").rows["Nuclei"].tolist() == [NONE]
