"""The command line `stancery`. What a command needs is imported when it runs, so that --help is quick."""

import math
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stancery.service.served import ServedModel

_FORMATS = ("table", "json", "jsonl", "csv", "labelled")  # of outputs.FORMATS
_DRAIN_SECONDS = 30  # that running requests have at shutdown

# Where the commands of other rooms stand: module, attribute, what `stancery --help` says.
_MOUNTED = {
    "train": ("stancery.training.cli", "train", "Fine-tune a model on labelled articles."),
    "evaluate": ("stancery.training.cli", "evaluate", "Score a model on labelled articles."),
    "data": ("stancery.data.cli", "data", "Check and convert labelled articles."),
}
_TRAIN_PACKAGES = frozenset(("accelerate", "datasets", "onnx", "safetensors", "torch", "transformers"))

_model_option = click.option(
    "--model", type=click.Path(path_type=Path), metavar="DIR", help="Model folder. [default: the shipped model]"
)


class _Commands(click.Group):
    """A group that imports the mounted commands only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_MOUNTED]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MOUNTED:
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = _MOUNTED[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        rows += [(name, text) for name, (_, _, text) in _MOUNTED.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _Serve(click.Command):
    """The command whose help lists every setting."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from stancery.service.settings import describe_settings

        with formatter.section("Environment variables, under the flags"):
            formatter.write_dl(describe_settings())
        super().format_epilog(ctx, formatter)


def _show_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not ctx.resilient_parsing:
        try:
            version = metadata.version("stancery")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        click.echo(f"stancery {version}")
        ctx.exit()


def _refuse_nan(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):  # which click lets through every range
        raise click.BadParameter("nan is not in the range 0<=x<=1.")
    return value


@click.group(cls=_Commands, epilog="Example:  stancery predict article.txt")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show it.")
def commands() -> None:
    """News article in, (actor, stance, target) triples per sentence out."""


@commands.command(epilog="Example:  stancery predict --format csv *.html > stances.csv")
@click.argument("files", nargs=-1, required=True, metavar="FILE... | -")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(_FORMATS),
    help="What to print. [default: table to a terminal, jsonl to a pipe]",
)
@click.option(
    "--input-format",
    type=click.Choice(("text", "jsonl")),
    default="text",
    show_default=True,
    help="What standard input holds: one article, or one a line as JSON.",
)
@_model_option
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    callback=_refuse_nan,
    metavar="0..1",
    help="Least confidence. [default: the model's own]",
)
def predict(
    files: Sequence[str], output_format: str | None, input_format: str, model: Path | None, threshold: float | None
) -> None:
    """Label articles.

    FILE is .txt, .md, .html, .json (an object or a list of them) or .jsonl (an object a line; "text" is required, "id",
    "date" and "speaker" are kept); - is standard input.
    """
    from stancery.model.classifier import Classifier
    from stancery.service.inputs import read_inputs
    from stancery.service.outputs import FORMATS
    from stancery.service.settings import load_settings

    settings = load_settings(model=model, threshold=threshold)
    articles = read_inputs(files, stdin_is_json_lines=input_format == "jsonl")
    classifier = Classifier.load(settings.model, settings.threads)
    output_format = output_format or ("table" if sys.stdout and sys.stdout.isatty() else "jsonl")
    labelled = classifier.label_all(articles, settings.threshold)
    for part in FORMATS[output_format](labelled, classifier.info):
        # Bytes for programs: UTF-8 whatever the locale.
        click.echo(part if output_format == "table" else part.encode(), nl=False)


@commands.command(cls=_Serve, epilog="Example:  stancery serve --port 8080")
@click.option("--host", metavar="ADDRESS", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), metavar="PORT", help="TCP port, 0: any free. [default: 8000]")
@_model_option
@click.option("--threads", type=click.IntRange(1, 1_024), metavar="N", help="Threads that label. [default: the cores]")
def serve(host: str | None, port: int | None, model: Path | None, threads: int | None) -> None:
    """Serve the model over HTTP."""
    import uvicorn

    from stancery.service.app import create_app
    from stancery.service.settings import load_settings

    settings = load_settings(host=host, port=port, model=model, threads=threads)
    listener = _listen(settings.host, settings.port)
    shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{shown_host}:{listener.getsockname()[1]}"
    failures: list[Exception] = []

    def on_loaded(served: "ServedModel") -> None:
        if served.failure is not None:
            failures.append(served.failure)
            server.should_exit = True
        else:
            click.echo(f"Ready: {address}/docs", err=True)

    app = create_app(settings, on_loaded)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    click.echo(f"Loading the model; listening on {address}", err=True)
    with suppress(KeyboardInterrupt):  # uvicorn shuts down, then raises it again
        server.run(sockets=[listener])
    if failures:
        raise failures[0]


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, opened before the model is loaded: a taken port is known at once."""
    from stancery.model.errors import SettingsError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        why = error.strerror or error
        raise SettingsError(f"Cannot listen on {host} port {port} ({why}). Choose another --host or --port.") from None


def main() -> None:
    """Run the command line; what a user can cause ends in one message and exit status 1 or 2."""
    try:
        commands(prog_name="stancery")
    except Exception as error:
        message = _explain(error)
        if message is None:
            raise
        click.echo(f"Error: {message}", err=True)
        _discard_stdout()
        sys.exit(1)


def _explain(error: Exception) -> str | None:
    """What to tell the user, or None for a bug of ours."""
    from stancery.model.errors import StanceryError

    if isinstance(error, StanceryError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _TRAIN_PACKAGES:
        return "This needs the train extra: pip install 'stancery[train]'"
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{where}. Free space or rights there, or name another place."
    return None


def _discard_stdout() -> None:
    """Let the interpreter not try again, at exit, to write what could not be written."""
    with suppress(AttributeError, OSError, ValueError):  # it may be closed or absent
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
