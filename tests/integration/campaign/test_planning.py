"""A plan in Redis: written once, finished when it was interrupted, and never another one under its name."""

import zipfile
from contextlib import nullcontext

import openpyxl
import pytest

from smsjobs import IdempotencyConflict, InvalidArguments
from smsjobs.campaign import Order, start
from smsjobs.redis_store import ELEMENTS
from support.campaigns import PAGE, Bench, counted, numbers
from support.keys import campaign_key, campaigns


def personal(count):
    return [{"phone": number, "name": f"n{index}"} for index, number in enumerate(numbers(count))]


def dies_after(people, count, error):
    yield from people[:count]
    raise error


def snapshot(bench):
    """Everything a plan writes; what is compressed is compared as it is."""
    found = {}
    for key in bench.redis.scan_iter("sms:{*}:campaign*"):
        match bench.redis.type(key):
            case "hash":
                found[key] = bench.redis.hgetall(key)
            case "list":
                found[key] = bench.redis.lrange(key, 0, -1)
            case "set":
                found[key] = bench.redis.smembers(key)
            case _:
                found[key] = bench.redis.zrange(key, 0, -1)
    return found


def test_no_keys_of_recipients(bench: Bench) -> None:
    """However many recipients there are, a campaign has a handful of keys."""
    bench.start(PAGE + 1000)
    before = set(bench.redis.scan_iter())
    bench.start(3 * PAGE, name="more")
    assert len(set(bench.redis.scan_iter()) - before) <= 6


def test_nothing_is_sent_before_the_plan_is_complete(bench: Bench) -> None:
    """While a file is read, none of its chunks is a job."""

    def look(_):
        assert bench.sweep() == []
        assert bench.store.progress(bench.store.ids()[0]).state == "planning"

    campaign = bench.start(2 * PAGE, on_page=look)
    assert campaign.progress().state == "running"
    assert len(bench.sweep()) == 2 * PAGE / 1000


@pytest.mark.parametrize("people", [numbers, personal])
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_interrupted(bench: Bench, people, pages) -> None:
    """A planner that dies after any page is followed by one that finishes the same plan."""

    class Killed(BaseException):
        pass

    count = 2 * PAGE + 500
    with pytest.raises(Killed):
        bench.start(people=dies_after(people(count), pages * PAGE + 1, Killed))
    assert bench.store.progress(bench.store.ids()[0]).total == pages * PAGE
    first = bench.start(people=people(count))
    planned = snapshot(bench)
    assert bench.start(people=people(count)) == first
    assert snapshot(bench) == planned
    progress = first.progress()
    assert (progress.total, progress.state) == (count, "running")
    assert sorted(row.phone for row in first.report()) == sorted(numbers(count))


def test_again_when_it_is_finished(bench: Bench) -> None:
    """The same command after the end finds the campaign and sends nothing."""
    campaign = bench.start()
    for job_id in bench.sweep():
        bench.send(job_id)
    assert campaign.progress().state == "finished"
    assert bench.start() == campaign
    assert bench.sweep() == []
    assert counted(campaign.progress()) == {"accepted": 2500}


@pytest.mark.parametrize("at", [0, 1, 777, PAGE - 1, PAGE, PAGE + 345])
@pytest.mark.parametrize("complete", [True, False])
def test_other_content(bench: Bench, at, complete) -> None:
    """Other recipients under the same name are refused, with the first line that differs and what to do."""
    people = numbers(PAGE + 400)
    if complete:
        bench.start(people=people)
    else:
        with pytest.raises(ZeroDivisionError):
            bench.start(people=people, on_page=lambda page: 1 / (1 - page.number))
    before = snapshot(bench)
    other = [*people[:at], "13999999999", *people[at + 1 :]]
    with pytest.raises(IdempotencyConflict, match=rf"from line {at + 1} on.*use another name") as raised:
        bench.start(people=other)
    assert snapshot(bench) == before
    (campaign_id,) = bench.store.ids()
    assert (f"cancel {campaign_id}" in str(raised.value)) is not complete


@pytest.mark.parametrize("planned", [PAGE, PAGE + 1000])
@pytest.mark.parametrize("count", [0, 999, PAGE - 1, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
def test_longer_and_shorter(bench: Bench, planned, count) -> None:
    """A file that grew or shrank under the same name is refused, naming the line where it ends or continues."""
    bench.start(planned)
    with pytest.raises(IdempotencyConflict, match=rf"from line {min(count, planned) + 1} on"):
        bench.start(count)


def test_values_that_differ(bench: Bench) -> None:
    """Another parameter of one recipient is other content."""
    people = personal(300)
    bench.start(people=people)
    people[250] = people[250] | {"name": "other"}
    with pytest.raises(IdempotencyConflict, match="from line 251 on"):
        bench.start(people=people)


@pytest.mark.parametrize(
    ("more", "what"),
    [({"params": {"a": "b"}}, "template or params"), ({"promotional": True}, "promotional")],
)
def test_other_settings(bench: Bench, more, what) -> None:
    """Another parameter or schedule under the same name is refused, naming it."""
    bench.start()
    with pytest.raises(IdempotencyConflict, match=f"with another {what}"):
        bench.start(**more)


def test_other_columns(bench: Bench) -> None:
    """Other columns under the same name are refused, naming those that only one of both files has."""
    bench.start(people=[{"phone": "13800138000", "name": "n"}])
    for other, told in (
        ({"phone": "13800138000", "name": "n", "city": "c"}, "with other columns: city: use another name"),
        ({"phone": "13800138000"}, "with other columns: name: use another name"),
    ):
        with pytest.raises(IdempotencyConflict, match=told):
            bench.start(people=[other])


def test_names_and_elements(bench: Bench) -> None:
    """Campaigns of another name or on another element are other campaigns."""
    order = [Order.read(numbers(1), "SMS_1") for _ in range(3)]
    ids = {
        start(bench.store, order[0], element="SMS.A", name="双十一").id,
        start(bench.store, order[1], element="SMS.B", name="双十一").id,
        start(bench.store, order[2], element="SMS.A", name="双十二").id,
    }
    assert len(ids) == 3
    assert set(bench.store.ids()) == ids


def test_strict(bench: Bench) -> None:
    """A strict campaign with a bad row is an error that names it, sends nothing and leaves nothing behind."""
    people = [*numbers(PAGE + 10), "no number"]
    with pytest.raises(InvalidArguments, match=rf"line {PAGE + 11}: not_a_phone_number"):
        bench.start(people=people, strict=True)
    assert list(bench.redis.scan_iter()) == [ELEMENTS]
    bench.start(people=people[:-1])


def test_a_file_that_breaks_off(bench: Bench) -> None:
    """An input that cannot be read to its end leaves no campaign behind."""

    def people():
        yield from numbers(PAGE + 10)
        raise InvalidArguments("cut")

    with pytest.raises(InvalidArguments, match="cut"):
        bench.start(people=people())
    assert list(bench.redis.scan_iter()) == [ELEMENTS]


def test_a_mended_file(bench: Bench, tmp_path) -> None:
    """A workbook damaged behind its first page leaves no campaign, and mended it is started under the same name."""
    path = tmp_path / "people.xlsx"
    book = openpyxl.Workbook()
    for number in ["phone", *numbers(PAGE + 1000)]:
        book.active.append([number])
    book.save(path)
    right = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entry = next(each for each in archive.infolist() if "sheet1.xml" in each.filename)
    broken = bytearray(right)
    end = entry.header_offset + entry.compress_size
    broken[end - 100 : end] = bytes(100)
    path.write_bytes(broken)
    pages = []
    with pytest.raises(InvalidArguments, match=r"row \d+ of people\.xlsx cannot be read"):
        bench.start(people=path, on_page=pages.append)
    assert len(pages) == 1
    assert list(bench.redis.scan_iter()) == [ELEMENTS]
    path.write_bytes(right)
    assert bench.start(people=path).progress().total == PAGE + 1000


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (["x", "y"], "no row can be used, 2 are invalid, the first of them line 1: not_a_phone_number"),
        ([], "there is no row"),
    ],
)
def test_nobody(bench: Bench, people, told) -> None:
    """A file without a single recipient is an error that says why, and its name is free for the mended file."""
    with pytest.raises(InvalidArguments, match=told):
        bench.start(people=people)
    assert list(bench.redis.scan_iter()) == [ELEMENTS]
    assert bench.start(1).progress().total == 1


def test_nobody_under_a_name_in_use(bench: Bench) -> None:
    """An empty file under the name of a campaign whose reading was interrupted takes nothing of it away."""

    def dies(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.start(5, on_page=dies)
    with pytest.raises(IdempotencyConflict, match="other recipients"):
        bench.start(people=[])
    assert bench.start(5).progress().total == 5


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    ("moved", "first"),
    [
        (lambda lines: ["phone", "", *lines[1:]], 2),
        (lambda lines: [*lines[:3], "", *lines[3:]], 4),
        (lambda lines: [*lines[:-1], "", lines[-1]], 7),
        (lambda lines: [*lines[:4], *lines[5:]], 5),
        (lambda lines: [*lines, "", "13999999999"], 9),
    ],
    ids=["after the names", "in the middle", "before the last", "a row less", "a row more, behind a blank"],
)
def test_rows_that_moved(bench: Bench, tmp_path, moved, first, complete) -> None:
    """Rows that only stand elsewhere are other content too, from the first line on that is not what it was."""
    path = tmp_path / "people.csv"
    lines = ["phone", *numbers(3), "bad", *numbers(5)[3:]]
    path.write_text("\n".join(lines) + "\n")
    with nullcontext() if complete else pytest.raises(ZeroDivisionError):
        bench.start(people=path, on_page=lambda _: None if complete else 1 / 0)
    path.write_text("\n".join(moved(lines)) + "\n")
    with pytest.raises(IdempotencyConflict, match=f"from line {first} on"):
        bench.start(people=path)


def test_forgotten_in_the_list(bench: Bench) -> None:
    """The list of campaigns does not grow where nobody asks for it: what is not kept any more leaves it when the next one begins."""
    old, kept = bench.start(1, name="old"), bench.start(1, name="kept")
    bench.redis.delete(campaign_key(old.id))
    new = bench.start(1, name="new")
    assert set(bench.redis.zrange(campaigns(), 0, -1)) == {kept.id, new.id}
