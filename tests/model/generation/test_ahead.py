"""Items made ahead by a thread: same items, same order, errors after what came before, and a maker that stops."""

import threading
import time

import pytest
import torch

from model.generation.ahead import run_ahead


def test_same_items_in_order():
    assert list(run_ahead(lambda _check: iter(range(20)), ahead=1)) == list(range(20))


def test_it_runs_at_most_so_far_ahead_and_before_it_is_asked():
    made = []

    def make(_check):
        for index in range(10):
            made.append(index)
            yield index

    items = run_ahead(make, ahead=2)
    next(items)
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3]  # one read, two waiting, one held out
    assert list(items) == list(range(1, 10))


def test_an_error_comes_after_what_was_made_before_it():
    def make(_check):
        yield 1
        yield 2
        raise ValueError("third")

    items = run_ahead(make)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="third"):
        next(items)


def test_leaving_early_stops_the_maker_at_its_next_check():
    ended = threading.Event()

    def make(check):
        yield 0
        try:
            while True:
                check()
                time.sleep(0.005)
        finally:
            ended.set()

    items = run_ahead(make)
    assert next(items) == 0
    items.close()
    assert ended.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "run-ahead"]


def test_the_maker_computes_with_the_callers_number_of_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seen = list(run_ahead(lambda _check: iter([torch.get_num_threads()])))
        inside = list(run_ahead(lambda _check: (torch.get_num_threads() for _ in range(1))))
    finally:
        torch.set_num_threads(before)
    assert seen == inside == [1]
