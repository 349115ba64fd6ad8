"""`stancery data`: check and convert labelled articles."""

from collections import Counter
from pathlib import Path

import click

from stancery.data.join import join_texts
from stancery.data.read import read_articles
from stancery.data.schema import GoldArticle
from stancery.data.write import to_json_line, to_markdown
from stancery.model.errors import DataError

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


@click.group()
def data() -> None:
    """Read, check and convert labelled articles."""


@data.command(epilog="Example: stancery data check articles.jsonl data/articles")
@_FILES
def check(files: tuple[Path, ...]) -> None:
    """Report every problem as FILE:LINE, or count what the files hold."""
    articles = read_articles(files)
    sentences = sum(len(gold.sentence_spans()) for gold in articles)
    click.echo(f"{len(articles)} articles, {sentences} sentences, no problems")
    for name, counts in _counts(articles).items():
        click.echo(f"{name}: " + ", ".join(f"{value} {count}" for value, count in counts.most_common()))


@data.command(epilog="Example: stancery data convert articles.jsonl --out articles/   (or the other way round)")
@_FILES
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="A file ending in .jsonl for JSON Lines; a folder for one Markdown file an article.",
)
def convert(files: tuple[Path, ...], out: Path) -> None:
    """Write labelled articles in the other form."""
    articles = read_articles(files)
    if out.suffix == ".jsonl":
        lines = "".join(to_json_line(gold) + "\n" for gold in articles)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(lines.encode())
    else:
        _write_folder(articles, out)
    click.echo(f"{len(articles)} articles written to {out}")


@data.command(epilog="Example: stancery data join data/standoff --texts original_articles/ --out joined.jsonl")
@_FILES
@click.option(
    "--texts",
    multiple=True,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help='The texts that were labelled: a folder of ID.txt, or a .jsonl of {"id", "text"}; may be given several times.',
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Labelled articles to write, .jsonl.")
def join(files: tuple[Path, ...], texts: tuple[Path, ...], out: Path) -> None:
    """Put labels that are kept without their text together with it."""
    labels = [found for file in files for found in (sorted(file.glob("*.jsonl")) if file.is_dir() else [file])]
    articles = join_texts(labels, texts)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes("".join(to_json_line(gold) + "\n" for gold in articles).encode())
    click.echo(f"{len(articles)} articles written to {out}")


def _write_folder(articles: list[GoldArticle], out: Path) -> None:
    if out.is_file():
        raise DataError([f"{out} is a file; name a folder for Markdown, or a file that ends in .jsonl"])
    contents = {}
    for gold in articles:
        name = str(gold.article.id)
        if Path(name).name != name or name in ("", ".", ".."):
            raise DataError([f"id {name!r} cannot be a file's name; change the id, or convert to .jsonl"])
        contents[name] = to_markdown(gold)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (out / f"{name}.md").write_bytes(content.encode())


def _counts(articles: list[GoldArticle]) -> dict[str, Counter[str]]:
    triples = [triple for gold in articles for triple in gold.triples]
    return {
        "stances": Counter("|".join(triple.stances) for triple in triples),
        "codes": Counter(triple.code or "no code" for triple in triples),
    }
