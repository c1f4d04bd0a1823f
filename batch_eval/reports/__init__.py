"""One module a format, all with the same two-method protocol."""

from batch_eval.reports.core import DEFAULT_FORMATS, FORMATS, Reporter, reporter, write_report, write_reports

__all__ = ["DEFAULT_FORMATS", "FORMATS", "Reporter", "reporter", "write_report", "write_reports"]
