"""Tables of recipients, read as streams: CSV, JSON lines, Excel workbooks, and whatever Python can iterate over.

Every source becomes the same `Table`: the names of its columns, which of them has the numbers, and its rows. A row is
never dropped: what cannot be read is a row that says so. A file is what its bytes say, and not what its name says.

Excel's own format is read by `workbook` and `sheet`, and not by a library. What must be known is what people see: which
sheets and rows are hidden, in what format a number is shown, whether a formula was ever computed, and every row, whatever
the file says of its size. python-calamine tells neither formats nor hidden rows nor formulas; openpyxl's stream tells
neither hidden rows nor, beside the values, the formulas, and stops where ``<dimension>`` says so. For the same reason .xls
and .ods are refused with a hint: the libraries that read them for little do not tell what is shown.
"""

from smsjobs.campaign.tables.columns import PHONE_COLUMNS
from smsjobs.campaign.tables.source import open_table
from smsjobs.campaign.tables.table import Record, Table

__all__ = ["PHONE_COLUMNS", "Record", "Table", "open_table"]
