"""The report as one HTML file that loads nothing: everything is in it."""

from pytest_golink.report.html.page import html_report

__all__ = ["html_report"]
