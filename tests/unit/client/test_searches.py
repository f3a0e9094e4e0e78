import numpy as np

from harness.client.searches import choose_queries, compare, distances_to
from harness.model.observation import Search

IDS = [f"f/{n}" for n in range(40)]
VECTORS = np.random.default_rng(1).standard_normal((40, 4), dtype=np.float32)
SEARCH = Search(instance="primary", collection="c", query="q", wanted=3)


def test_instances_that_hold_the_same_in_another_order_get_the_same_queries() -> None:
    names, queries = choose_queries(IDS, VECTORS, "7/c")
    order = np.random.default_rng(2).permutation(40)
    others, again = choose_queries([IDS[n] for n in order], VECTORS[order], "7/c")
    assert names == others
    assert (queries == again).all()
    assert len(set(names)) == len(names) == 30


def test_another_seed_asks_for_others() -> None:
    assert choose_queries(IDS, VECTORS, "7/c")[0] != choose_queries(IDS, VECTORS, "8/c")[0]


def test_a_held_embedding_is_asked_for_as_it_is() -> None:
    names, queries = choose_queries(IDS, VECTORS, "7/c")
    assert (queries[0] == VECTORS[IDS.index(names[0])]).all()


def test_answers_stand_beside_the_exact_distances_and_the_last_true_neighbour() -> None:
    points = np.array([[0, 0], [1, 0], [2, 0], [3, 0]], dtype=np.float32)
    distances = distances_to(points, np.array([0, 0], dtype=np.float32))
    assert distances.tolist() == [0, 1, 4, 9]
    found = compare(SEARCH, distances, ["a", "b", "c", "d"], ["a", "d", "z"])
    assert (found.found, found.distances) == (("a", "d", "z"), (0, 9, -1))
    assert found.limit_distance == 4
