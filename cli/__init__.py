"""The command line. Installed as `provenance_cli`; parses, calls the library, renders, exits."""
