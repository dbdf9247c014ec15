"""What an operator sees: the live board, the final report, the page, audits and explanations. No logic, no clock."""

from dialer.screens.audit import print_findings
from dialer.screens.final import print_report
from dialer.screens.html import write_html
from dialer.screens.live import LiveTable
from dialer.screens.why import print_contact, print_waterfall

__all__ = ["LiveTable", "print_contact", "print_findings", "print_report", "print_waterfall", "write_html"]
