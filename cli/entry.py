"""The console scripts. They import nothing before Ctrl-C can be answered without a traceback."""


def provenance() -> int:
    """Run `provenance`."""
    try:
        from provenance_cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


def verify() -> int:
    """Run `verify`."""
    try:
        from provenance_cli.main import verify_main

        return verify_main()
    except KeyboardInterrupt:
        return 130
