"""Planning: every row once, in requests as large as they may be, and always the same."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsjobs.campaign import Order
from smsjobs.campaign.pages import PAGE, plan
from smsjobs.campaign.recipients import Row


def row(line, value="", fault=""):
    values = (value,) if value else ()
    return Row(line, str(13000000000 + line), () if fault else values, fault, fault)


def sizes(rows):
    return [len(chunk.phones) for page in plan(rows) for chunk in page.chunks]


@pytest.mark.parametrize(
    ("count", "chunks"),
    [(0, []), (1, [1]), (1000, [1000]), (2500, [1000, 1000, 500]), (10_001, [1000] * 10 + [1])],
)
def test_shared(count, chunks):
    """Recipients who share everything fill requests of 1,000."""
    assert sizes(row(line) for line in range(count)) == chunks


@pytest.mark.parametrize(("count", "chunks"), [(1, [1]), (100, [100]), (250, [100, 100, 50])])
def test_personal(count, chunks):
    """Recipients with parameters of their own fill requests of 100."""
    assert sizes(row(line, f"v{line}") for line in range(count)) == chunks


def mixed(count, value=""):
    """Every third one abroad."""
    return [
        row(line, value and f"{value}{line}")._replace(
            phone=f"852{61000000 + line}" if line % 3 == 0 else f"{13000000000 + line}"
        )
        for line in range(count)
    ]


@pytest.mark.parametrize(
    ("rows", "chunks"),
    [
        (mixed(30), [(20, True), (10, False)]),
        (mixed(300, "v"), [(100, True), (100, True), (100, False)]),
        (mixed(4), [(2, True), (2, False)]),
        ([each for each in mixed(6) if each.phone.startswith("852")], [(2, False)]),
    ],
)
def test_mainland_and_foreign_apart(rows, chunks):
    """Mainland and foreign numbers never share a request, whether they share their parameters or not."""
    (page,) = plan(rows)
    assert [(len(chunk.phones), chunk.is_mainland) for chunk in page.chunks] == chunks
    for chunk in page.chunks:
        assert {phone.startswith("13") for phone in chunk.phones} == {chunk.is_mainland}
    foreign = sum(row.phone.startswith("852") for row in rows)
    assert page.countries == Counter({"86": len(rows) - foreign, "852": foreign})


def test_left_out_rows_leave_no_gaps():
    """Rows that are left out do not make the requests smaller."""
    rows = [row(line, fault="invalid" if line % 3 == 0 else "") for line in range(30_000)]
    assert sizes(rows) == [1000] * 20


def test_mixed():
    """Values that many share travel as one request to all of them, rare ones together in batches."""
    rows = [row(line, "common" if line % 10 else f"rare{line}") for line in range(1000)]
    (page,) = plan(rows)
    assert [(chunk.is_batch, len(chunk.phones)) for chunk in page.chunks] == [(False, 900), (True, 100)]


@pytest.mark.parametrize(
    ("shared", "chunks"),
    [
        (99, [(True, 100), (False, 1)]),  # fewer than a batch fill one with the others
        (100, [(False, 100), (True, 2)]),  # as many as a batch are better off alone
        (1099, [(False, 1000), (True, 100), (False, 1)]),  # so is the rest of a larger group
        (1100, [(False, 1000), (False, 100), (True, 2)]),
    ],
)
def test_large_enough_for_a_request_alone(shared, chunks):
    """As many recipients with equal values as a batch takes are a request of their own, and fewer join the others."""
    values = ["rare1", *["common"] * shared, "rare2"]
    (page,) = plan(row(line, value) for line, value in enumerate(values))
    assert [(chunk.is_batch, len(chunk.phones)) for chunk in page.chunks] == chunks


def test_many_bad_rows():
    """A file of bad rows only is planned in parts too, and none of its rows is lost."""
    pages = list(plan(row(line, fault="invalid") for line in range(50_000)))
    assert [len(page.skipped) for page in pages] == [20_000, 20_000, 10_000]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "", "", "invalid", "duplicate"]), st.sampled_from("aaaaabc")),
        max_size=600,
    )
)
def test_every_row_once(kinds):
    """Whatever the rows are, each is planned once, in the order of its lines, with its own number and parameters."""
    rows = [row(line, value, fault) for line, (fault, value) in enumerate(kinds, 2)]
    planned = []
    for page in plan(rows):
        planned += page.skipped
        for chunk in page.chunks:
            assert list(chunk.lines) == sorted(chunk.lines)
            assert len(chunk.phones) <= (100 if chunk.is_batch else 1000)
            values = chunk.values if chunk.is_batch else list(chunk.values) * len(chunk.phones)
            planned += [Row(*each, "", "") for each in zip(chunk.lines, chunk.phones, values, strict=True)]
    assert sorted(planned) == sorted(rows)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=300), st.data())
def test_digest(values, data):
    """The same rows give the same plan, and a change of any one row another digest and another sum at its place."""
    rows = [row(line, value) for line, value in enumerate(values)]
    first, again = next(plan(rows)), next(plan(rows))
    assert first == again
    index = data.draw(st.integers(0, len(rows) - 1))
    changed = [*rows[:index], rows[index]._replace(phone="13999999999"), *rows[index + 1 :]]
    other = next(plan(changed))
    assert other.digest != first.digest
    assert [n for n, (old, new) in enumerate(zip(first.prints, other.prints, strict=True)) if old != new] == [
        index
    ]


def test_numbers_of_chunks():
    """Chunks are counted over the whole plan, so that no two have one id."""
    numbers = Counter()
    for page in plan(row(line) for line in range(3 * PAGE + 5)):
        numbers.update(range(page.first_chunk, page.first_chunk + len(page.chunks)))
    assert numbers == Counter(range(31))


def test_read_as_a_stream():
    """No more is read than the page at hand needs, and of what was read nothing but the numbers stays."""
    read = []

    def people():
        for number in range(3 * PAGE):
            read.append(number)
            yield {"phone": str(13800138000 + number), "name": f"n{number}"}

    for page in Order.read(people(), "SMS_1").pages():
        assert len(read) == (page.number + 1) * PAGE
