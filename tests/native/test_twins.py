"""Does each compiled module have a plain twin: loops, a dense product, or another library?"""

import ast
import re
from pathlib import Path

import pytest

import kgplan.native

TESTS = Path(__file__).parents[1]
SETS = "similarity/test_similarity_learners.py"
TOP = "similarity/test_similarity_top.py"
HEALTH = "graph/test_health.py"
EXACT = "diagnosis/test_diagnosis_estep.py"
STATES = "diagnosis/test_diagnosis_states.py"
LOOPY = "diagnosis/test_diagnosis_propagation.py"

TWINS = {
    "adders": (SETS, "test_rows_counted_alone_or_together_equal_the_product_of_the_matrix"),
    "aging": ("diagnosis/test_aging.py", "test_expectations_equal_sums_over_every_path"),
    "attending": (
        "diagnosis/test_attendance.py",
        "test_items_are_described_by_their_place_among_the_views",
    ),
    "cases": (EXACT, "test_enumeration_equals_bayes_rule_written_as_loops"),
    "component": (EXACT, "test_propagation_is_exact_on_trees"),
    "digraph": (
        HEALTH,
        "test_steps_without_an_edge_are_those_in_the_graph_from_which_it_is_removed",
    ),
    "enumeration": (EXACT, "test_enumeration_equals_bayes_rule_written_as_loops"),
    "excerpt": (
        "diagnosis/test_diagnosis_live.py",
        "test_whatever_was_observed_before_mastery_is_that_of_inference_from_scratch",
    ),
    "fusing": (TOP, "test_lists_of_several_hundred_concepts_equal_the_formula"),
    "heap": (TOP, "test_lists_with_many_ties_equal_the_formula_and_go_by_id"),
    "lanes": (STATES, "test_states_grown_concept_by_concept_equal_the_matrix_product_over_states"),
    "negatives": (
        "embedding/test_embedding_negative.py",
        "test_compiled_steps_equal_those_by_torch_with_dropout",
    ),
    "neighbours": (TOP, "test_the_nearest_of_more_than_two_blocks_equal_those_of_scikit_learn"),
    "newton": (
        "diagnosis/test_diagnosis_em.py",
        "test_the_m_step_finds_what_a_general_optimiser_finds",
    ),
    "ordering": (
        HEALTH,
        "test_the_local_search_breaks_all_cycles_and_never_beats_the_proven_set",
    ),
    "partition": (
        "diagnosis/test_diagnosis_identify.py",
        "test_a_learners_concepts_are_told_apart_by_the_sets_of_videos_observed",
    ),
    "placing": (
        "diagnosis/test_placing.py",
        "test_information_is_mutual_information_where_questions_are_on_one_concept",
    ),
    "propagation": (EXACT, "test_propagation_is_exact_on_trees"),
    "regions": (LOOPY, "test_regions_that_hold_a_whole_component_leave_no_error"),
    "sequence": ("native/test_sequence.py", "test_the_rows_are_those_of_plain_loops"),
    "sets": (SETS, "test_any_block_and_any_pairs_equal_the_product_of_the_matrix"),
    "signals": (
        "resources/test_blend.py",
        "test_every_signal_is_what_loops_over_lists_of_views_say",
    ),
    "states": (STATES, "test_the_sum_over_states_equals_bayes_rule_written_as_loops"),
    "trees": ("resources/test_blend.py", "test_trees_say_what_scikit_learn_says"),
    "walk": ("native/test_walk.py", "test_the_steps_are_those_of_plain_loops"),
    "wide": (TOP, "test_the_nearest_of_more_than_two_blocks_equal_those_of_scikit_learn"),
}


def test_every_module_with_compiled_functions_has_a_twin():
    modules = Path(kgplan.native.__file__).parent.glob("*.py")
    compiled = {
        module.stem
        for module in modules
        if re.search(r"^@(njit|intrinsic)\b", module.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert compiled == TWINS.keys()


@pytest.mark.parametrize("module", TWINS)
def test_the_test_that_is_named_is_there(module):
    path, name = TWINS[module]
    defined = ast.parse((TESTS / path).read_text(encoding="utf-8")).body
    assert name in {each.name for each in defined if isinstance(each, ast.FunctionDef)}
