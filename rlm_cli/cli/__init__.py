"""The command line: typer signatures and nothing that takes long to import."""
