"""How a spreadsheet shows numbers."""

import pytest

from smsjobs.campaign.tables.number_format import BUILT_IN, is_date, show_number, show_text

#: 11 November 2026, 09:05:07.
DAY = 46337 + (9 * 3600 + 5 * 60 + 7) / 86_400


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (3.3000000000000003, "General", "3.3"),
        (234.55999999999995, "General", "234.56"),
        (0.1 + 0.2, "General", "0.3"),
        (13800138000, "General", "13800138000"),
        (12345678901234567, "General", "12345678901234600"),
        (-0.5, "General", "-0.5"),
        (0, "General", "0"),
        (1e-7, "General", "0.0000001"),
        (7123, "000000", "007123"),
        (13800138000, "000-0000-0000", "138-0013-8000"),
        (1.5, "0", "2"),
        (2.5, "0", "3"),  # half away from zero, as Excel does
        (1.005, "0.00", "1.01"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (999, "#,##0", "999"),
        (7, "#,##0000", "0,007"),
        (0.8, "0%", "80%"),
        (0.085, "0.0%", "8.5%"),
        (1234567, "#,##0,", "1,235"),
        (1234567, '0.0,,"M"', "1.2M"),
        (0.5, "#.##", ".5"),
        (5, "#.##", "5."),
        (5, "0.0?", "5.0"),
        (9.9, "¥0.00", "¥9.90"),
        (9.9, "[$¥-804]#,##0.00", "¥9.90"),
        (9.9, '"¥"0.00_);[Red]("¥"0.00)', "¥9.90"),
        (-9.9, '"¥"0.00_);[Red]("¥"0.00)', "(¥9.90)"),
        (-9.9, "0.0", "-9.9"),
        (-9.9, "0.0;-0.0;0;@", "-9.9"),
        (0, '0;-0;"无"', "无"),
        (5, ";;;", ""),
        (5, "0;;", "5"),
        (1000, BUILT_IN[43], "1,000.00"),
        (-1000, BUILT_IN[44], "¥-1,000.00"),
        (0, BUILT_IN[41], "-"),
        (7, "@", "7"),
        (7, '0"号"', "7号"),
        (7, "0\\个", "7个"),
        (7, 'General"元"', "7元"),
        (7, "G/通用格式", "7"),
        (DAY, "yyyy-mm-dd", "2026-11-11"),
        (DAY, 'yyyy"年"m"月"d"日"', "2026年11月11日"),
        (DAY, "[$-804]yyyy年m月d日 aaaa", "2026年11月11日 星期三"),
        (DAY, "m/d/yy h:mm", "11/11/26 9:05"),
        (DAY, "hh:mm:ss", "09:05:07"),
        (DAY + 0.25, "h:mm AM/PM", "3:05 PM"),
        (DAY + 0.25, '上午/下午h"时"mm"分"', "下午3时05分"),
        (DAY, "mm:ss", "05:07"),
        (DAY, "d-mmm-yy", "11-Nov-26"),
        (DAY, "dddd, mmmm d, yyyy", "Wednesday, November 11, 2026"),
        (DAY, BUILT_IN[14], "2026/11/11"),
        (DAY, BUILT_IN[22], "2026/11/11 9:05"),
        (DAY, "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "2026年11月11日"),
        (DAY, "[$-F400]h:mm:ss\\ AM/PM", "9:05:07"),
        (0.375, "h:mm", "9:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (DAY, "0;@", "46337"),
    ],
)
def test_shown(value: float, code: str, shown: str) -> None:
    """A number is what its format shows of it."""
    assert show_number(value, code) == shown


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "General"),
        (float("inf"), "0"),
        (1e30, "0"),
        (13800138000, "0.00E+00"),
        (1.5, "# ?/?"),
        (1.5, ".00"),
        (100, "[>99]0;0.0"),
        (7, "[DBNum1]0"),
        (1.5, "[h]:mm"),
        (DAY, "mm:ss.0"),
        (DAY, "ggge"),
        (-1, "yyyy-mm-dd"),
        (13800138000, "yyyy-mm-dd"),
    ],
)
def test_not_sure(value: float, code: str) -> None:
    """What a format shows is not guessed: where it is not sure, the cell cannot be read."""
    assert show_number(value, code) is None


def test_days_since_1904() -> None:
    """Workbooks of old Macs count their days from another one."""
    assert show_number(DAY - 1462, "yyyy-mm-dd", since_1904=True) == "2026-11-11"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", "张三"),
        ("@", "张三"),
        ("0.00", "张三"),
        ('@"女士"', "张三女士"),
        ('0;-0;0;"顾客 "@', "顾客 张三"),
        (";;;", ""),
        ("yyyy", "张三"),
    ],
)
def test_texts(code: str, shown: str) -> None:
    """A text is shown as it is, but where its format says more."""
    assert show_text("张三", code) == shown


@pytest.mark.parametrize(
    ("code", "date"), [("yyyy-mm-dd", True), ("h:mm", True), ("0.00", False), ("General", False)]
)
def test_dates(code: str, date: bool) -> None:
    """A format of dates is told from one of numbers."""
    assert is_date(code) == date
