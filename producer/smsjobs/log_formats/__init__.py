"""The formats in which a process of ours writes its log: text, or one JSON object a line."""

from smsjobs.log_formats.choice import FORMATS, LogFormat, read_log_format
from smsjobs.log_formats.json_lines import JsonFormatter
from smsjobs.log_formats.text import FactsFormatter

__all__ = ["FORMATS", "FactsFormatter", "JsonFormatter", "LogFormat", "read_log_format"]
