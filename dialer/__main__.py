"""``python -m dialer``."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while all that it needs is still being loaded is answered in one line, too."""
    try:
        from dialer.cli import main as command_line  # noqa: PLC0415 - takes a second, which may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("dialer: interrupted\n")
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
