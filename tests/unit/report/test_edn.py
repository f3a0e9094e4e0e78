from harness.model.document import make_mark
from harness.model.operation import Completion, Kind
from harness.report.edn import edn_lines
from tests.unit.checkers.histories import COLLECTION, DOCUMENT, NEW, OLD, history, operation

KEY = f"{COLLECTION}/{DOCUMENT}"


def test_a_write_and_a_read_become_invocations_and_completions_in_the_order_of_time() -> None:
    made = history(
        operation(Kind.UPSERT, 1, 4, tokens=[OLD]),
        operation(Kind.GET, 2, 3, ids=[DOCUMENT], observed=[OLD]),
    )
    assert [line.replace("000000000", "") for line in edn_lines(made)] == [
        f'{{:index 0, :type :invoke, :process 1, :f :write, :value ["{KEY}" "{OLD}"], :time 1}}',
        f'{{:index 1, :type :invoke, :process 2, :f :read, :value ["{KEY}" nil], :time 2}}',
        f'{{:index 2, :type :ok, :process 2, :f :read, :value ["{KEY}" "{OLD}"], :time 3}}',
        f'{{:index 3, :type :ok, :process 1, :f :write, :value ["{KEY}" "{OLD}"], :time 4}}',
    ]


def test_what_is_in_doubt_and_what_failed_say_so() -> None:
    made = history(
        operation(Kind.ADD, 1, 2, Completion.INFO, tokens=[OLD]),
        operation(Kind.UPSERT, 3, 4, Completion.FAIL, tokens=[NEW]),
    )
    assert [line.split(",")[1] for line in edn_lines(made)] == [
        " :type :invoke",
        " :type :info",
        " :type :invoke",
        " :type :fail",
    ]


def test_a_read_that_found_nothing_and_a_delete_have_no_value() -> None:
    made = history(
        operation(Kind.DELETE, 1, 2, ids=[DOCUMENT]),
        operation(Kind.GET, 3, 4, ids=[DOCUMENT]),
    )
    lines = list(edn_lines(made))
    assert all(f'["{KEY}" nil]' in line for line in lines)
    assert [":f :delete" in line for line in lines] == [True, True, False, False]


def test_no_logical_process_does_two_things_and_what_has_no_register_is_left_out() -> None:
    made = history(
        operation(Kind.CREATE, 1, 2),
        operation(Kind.DELETE, 3, 4, file="f"),
        operation(Kind.UPSERT, 5, 6, tokens=[OLD, NEW]),
    )
    processes = [line.split(":process ")[1].split(",")[0] for line in edn_lines(made)]
    assert sorted(processes) == ["1", "1", "2", "2"]


def test_an_update_is_one_of_the_content_and_marks_are_left_out() -> None:
    mark = make_mark(DOCUMENT, "one", "1")
    made = history(
        operation(Kind.UPDATE, 1, 2, tokens=[NEW]),
        operation(Kind.UPDATE, 3, 4, ids=[DOCUMENT], tokens=[mark]),
    )
    assert [line.split(",")[3] for line in edn_lines(made)] == [" :f :update"] * 2
