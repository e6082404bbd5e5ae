"""Help in groups and with examples, without rich, which would triple its cost."""

from typing import Any

from typer.core import TyperCommand


def with_examples(*commands: str) -> str:
    r"""Return an epilog that shows commands, a line each; \b keeps the lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


class GroupedCommand(TyperCommand):
    """A command whose plain help lists its options under the panels they name, and its arguments as they are typed."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name; an argument stands there as its metavar says."""
        return ["[OPTIONS]", *(param.metavar or "" for param in self.params if param.param_type_name == "argument")]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section for the arguments and one a panel, in the order in which the panels first appear."""
        arguments = [param for param in self.params if param.param_type_name == "argument"]
        explained = [(param.metavar or "", text) for param in arguments if (text := getattr(param, "help", None))]
        if explained:
            with formatter.section("Arguments"):
                formatter.write_dl(explained)
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and param.param_type_name == "option":
                panels.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)
