"""`bridge init PAIR`: creates a folder with shipped mapping files and a settings file."""

import json
import os
import secrets
import sys
from collections.abc import Container, Mapping
from pathlib import Path

import click

from bridge.app.folder import (
    TO_FILL_IN,
    WAYS,
    Answers,
    extended_settings,
    is_secret,
    left_out,
    sides_of,
    starting_settings,
)
from bridge.app.plan import checked
from bridge.app.shipped import SCHEMA, shipped_pairs, shipped_root, shipped_schema
from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.domain.text_file import make_folder, read_text, write_text
from bridge.mapping.load import load_mappings
from bridge.settings.parts import mapping_files

Given = dict[str, dict[str, str]]
SECRETS = ("env", "files", "credentials")
PLACES = ("env", "file", "credential")


@click.command(
    epilog="Example: bridge init pipedrive-deskera mine --public-url https://bridge.example.com "
    "--set pipedrive.base_url=https://acme.pipedrive.com --set pipedrive.api_token=env:PIPEDRIVE_API_TOKEN"
)
@click.argument("pair", required=False)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--public-url", default="", help="Where the vendors reach the bridge: https://bridge.example.com")
@click.option("--instance", default="", help="A name for this bridge; default: the name of the pair.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="PRODUCT.OPTION=VALUE",
    help="An option of a product; for a secret, its place: env:NAME, file:PATH or credential:NAME.",
)
@click.option("--secrets", "kept", type=click.Choice(SECRETS), default=None, help="Where secrets are; default: env.")
@click.option("--ask/--no-ask", default=None, help="Ask for missing values; default: only on a terminal.")
def init(
    pair: str | None,
    folder: Path | None,
    public_url: str,
    instance: str,
    given: tuple[str, ...],
    kept: str | None,
    ask: bool | None,
) -> None:
    """Copy the shipped mapping files of PAIR into FOLDER/mappings, and write FOLDER/bridge.yaml and the schema.

    On a terminal it asks for the pair, the addresses and the places of the secrets, unless options give them. The
    settings then pass `bridge check`. If FOLDER already has a pair, the command adds systems and sides to the settings,
    and mapping files beside the others. It leaves out mappings for records that others already keep in sync. It
    overwrites no mapping file, and changes nothing that is already in the settings.
    """
    pairs, asking = shipped_pairs(), sys.stdin.isatty() if ask is None else ask
    if pair is None and not asking:
        for name, source in pairs.items():
            click.echo(f"{name}: {', '.join(mapping.name for mapping in load_mappings(source))}")
        return
    pair = pair or click.prompt("Which pair of products", type=click.Choice(list(pairs)))
    if pair not in pairs:
        raise ConfigError([Problem(pair, "no mapping files are shipped for this pair", f"known: {', '.join(pairs)}")])
    if folder is None:
        folder = Path(click.prompt("Folder for settings and mapping files", default="mine") if asking else ".")
    if (folder / "mappings").resolve() == shipped_root().resolve():
        what = "its folder `mappings` is the folder of the shipped files"
        raise ConfigError([Problem(str(folder.resolve()), what, f"name another one: bridge init {pair} mine")])
    settings = folder / "bridge.yaml"
    fresh = not settings.exists()
    products = list(dict.fromkeys(sides_of(load_mappings(pairs[pair])).values()))
    _only_for_new(settings, {"--public-url": public_url, "--instance": instance, "--secrets": kept})
    options, wanted = _given(given, products), dict[str, str]()
    answers = Answers(instance, public_url, options=options)
    if fresh and (asking or kept):
        answers, wanted = _completed(answers, products, kept or "", asking)
    texts = _texts(pair, pairs[pair], folder, settings, answers)
    for path, text in texts.items():
        make_folder(path.parent)
        write_text(path, text)
        click.echo(f"wrote {path}")
    for name, value in wanted.items():
        _write_secret(folder / name, value)
    if texts:
        _next_steps(settings)


def _only_for_new(settings: Path, said: Mapping[str, str | None]) -> None:
    """Reject options whose values an existing settings file already has. Raises ConfigError."""
    if not settings.exists():
        return
    remedy = f"choose another folder, or leave the option out and edit {settings} yourself"
    what = f"{settings} already exists, and `bridge init` does not change what is in it"
    if problems := [Problem(option, what, remedy) for option, value in said.items() if value]:
        raise ConfigError(problems)


def _given(texts: tuple[str, ...], products: list[str]) -> Given:
    """Return the options given by --set. Raises ConfigError with all problems."""
    options: Given = {}
    problems: list[Problem] = []
    for text in texts:
        name, equals, value = text.partition("=")
        product, _, option = name.partition(".")
        where = f"--set {name}"
        if not equals or not option:
            problems.append(
                Problem(where, "is not an option with a value", "write --set pipedrive.base_url=https://...")
            )
        elif product not in products:
            problems.append(Problem(where, f"this pair has no {product}", f"known: {', '.join(products)}"))
        elif option not in CONNECTORS[product].options.model_fields:
            remedy = did_you_mean(option, list(CONNECTORS[product].options.model_fields))
            problems.append(Problem(where, f"{product} has no option `{option}`", remedy))
        elif not is_secret(product, option):
            options.setdefault(product, {})[option] = _written(value)
        elif (place := value.partition(":"))[0] in PLACES and place[2]:
            options.setdefault(product, {})[option] = f"{{{place[0]}: {place[2]}}}"
        else:
            problems.append(
                Problem(
                    where,
                    "is a secret, and must not be on the command line",
                    "write env:NAME, file:PATH or credential:NAME",
                )
            )
    if problems:
        raise ConfigError(problems)
    return options


def _completed(answers: Answers, products: list[str], kept: str, asking: bool) -> tuple[Answers, dict[str, str]]:
    """Return the completed answers, and the secrets to write into files, by path below the folder."""
    public_url = answers.public_url
    if asking and not public_url:
        public_url = click.prompt(
            "Where will the vendors reach the bridge (https)", default="https://bridge.example.com"
        )
    if asking and not kept:
        where = "Where are the secrets: in environment variables, in files, or in credentials of a service or container"
        kept = click.prompt(where, type=click.Choice(SECRETS))
    options = {product: dict(answers.options.get(product, {})) for product in products}
    files: dict[str, str] = {}
    for product in products:
        for option in _way(product, options[product], asking):
            if option not in options[product] and (said := _said(product, option, kept, asking, files)):
                options[product][option] = said
    instance_secret = answers.instance_secret
    if kept == "files":
        instance_secret, files["secrets/instance-secret"] = "{file: secrets/instance-secret}", secrets.token_hex(32)
    elif kept == "credentials":
        instance_secret = "{credential: instance-secret}"  # noqa: S105 - says where it is
    return Answers(answers.instance, public_url, instance_secret, options), files


def _said(product: str, option: str, kept: str, asking: bool, files: dict[str, str]) -> str:
    """Return what is written for an option that was not given; "" if the product has a default for it."""
    if is_secret(product, option):
        return _secret(product, option, kept, asking, files)
    field = CONNECTORS[product].options.model_fields[option]
    if asking:
        about = " ".join((field.description or "").split())
        return _written(click.prompt(f"{product} {option} ({about})"))
    return TO_FILL_IN if field.default is None else ""


def _way(product: str, known: Mapping[str, str], asking: bool) -> tuple[str, ...]:
    """Return the options of the way to sign in: the begun one, the only one, or the one that a person chooses."""
    ways = WAYS[product]
    fitting = [way for way, options in ways.items() if known and set(known) <= set(options)] or list(ways)
    if len(fitting) == 1 or not asking:
        return tuple(ways[fitting[0]])
    for number, way in enumerate(fitting, 1):
        click.echo(f"  {number}  {way}")
    return tuple(
        ways[
            fitting[click.prompt(f"How does the bridge sign in to {product}", type=click.IntRange(1, len(fitting))) - 1]
        ]
    )


def _secret(product: str, option: str, kept: str, asking: bool, files: dict[str, str]) -> str:
    """Return the place of a secret. A secret that is entered now goes into a separate file."""
    if kept == "credentials":
        return f"{{credential: {product}-{option.replace('_', '-')}}}"
    if kept != "files":
        return f"{{env: {product}_{option}}}".upper().replace("{ENV", "{env")
    name = f"secrets/{product}-{option.replace('_', '-')}"
    shown = f"{product} {option} (not shown; leave it empty to put it into {name} later)"
    files[name] = click.prompt(shown, hide_input=True, default="", show_default=False) if asking else ""
    return f"{{file: {name}}}"


def _written(value: str) -> str:
    """Return a value in a form that YAML reads as text."""
    plain = value and value[0] not in "-?:,[]{}#&*!|>'\"%@` " and not set(value) & set("#{}[],\n") and ": " not in value
    return value if plain and not value.endswith(":") else json.dumps(value, ensure_ascii=False)


def _write_secret(path: Path, value: str) -> None:
    """Write a secret into a file that only its owner can read. An existing file stays."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if value:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value + "\n")
        click.echo(f"wrote {path} (only you can read it)")


def _next_steps(settings: Path) -> None:
    """Print what is still missing, as `check` does, and the next three steps."""
    command = f"bridge --settings {settings}"
    try:
        checked(settings, os.environ)
        click.echo(f"\n{settings} passes `bridge check`. Next:")
        first = f"{command} check --live   checks that the accounts have what the mappings name"
    except ConfigError as error:
        click.echo(f"\nStill missing ({len(error.problems)}):")
        for problem in error.problems:
            click.echo(f"  {problem}")
        click.echo("\nNext:")
        first = (
            f"{command} check   after you have filled in {settings}; `openssl rand -hex 32` creates an instance secret"
        )
    click.echo(f"  1. {first}")
    click.echo(f"  2. bridge sandbox {settings.parent}   rehearses these mappings on simulators, without accounts")
    click.echo(f"  3. {command} run   starts in shadow mode; later `{command} mode MAPPING live`")


def _texts(pair: str, source: Path, folder: Path, settings: Path, answers: Answers) -> dict[Path, str]:
    """Return the files to write, and print what is left out. Raises ConfigError before anything is written."""
    mappings = load_mappings(source)
    beside = mapping_files(settings, {})[0] if settings.exists() else folder / "mappings"
    present = load_mappings(beside) if beside.is_dir() and any(beside.rglob("*.yaml")) else ()
    out = left_out(present, mappings)
    texts = {beside / file.name: file.read_text(encoding="utf-8") for file in _files(source, out)}
    remedy = "move it away, or choose another folder"
    if there := [Problem(str(path), "already exists", remedy) for path in texts if path.exists()]:
        raise ConfigError(there)
    for name in sorted(out):
        click.echo(f"left out {name}: existing mappings already keep its records in sync")
    chosen = [mapping for mapping in mappings if mapping.name not in out]
    if not chosen:
        return {}
    if settings.exists():
        text = extended_settings(settings, sides_of(chosen), answers.options)
        texts |= {settings: text} if text != read_text(settings) else {}
    else:
        texts[settings] = starting_settings(pair, sides_of(chosen), answers)
    return texts if (folder / SCHEMA).exists() else {**texts, folder / SCHEMA: shipped_schema()}


def _files(folder: Path, out: Container[str]) -> list[Path]:
    """Return the files of the mappings that are not left out. Each file is named after its mapping."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.stem not in out)
