"""`bridge schema`: the JSON Schema of mapping files, for completion and checks in editors."""

import json
import os
from pathlib import Path

import click

from bridge.app.functions import load_functions
from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.mapping.functions import Functions
from bridge.mapping.json_schema import Half, general_schema, pair_schema
from bridge.settings.parts import mapping_files


@click.command(epilog="Example: bridge schema pipedrive.deal deskera.crm_deal")
@click.argument("sides", nargs=-1, metavar="[CRM_ENTITY ERP_ENTITY]")
@click.pass_obj
def schema(settings_path: Path, sides: tuple[str, ...]) -> None:
    """Print the JSON Schema of mapping files; with two entities (pipedrive.deal deskera.crm_deal), also their fields.

    The sides are called crm and erp; write sales=pipedrive.deal for another name. Save the schema beside your mappings,
    and name it in their first line: # yaml-language-server: $schema=deals.schema.json
    """
    functions = _functions(settings_path)
    if not sides:
        made = general_schema(functions)
    elif len(sides) == 2:
        made = pair_schema(_half("crm", sides[0]), _half("erp", sides[1]), functions)
    else:
        raise ConfigError([Problem(" ".join(sides), "a pair has two sides", "write pipedrive.deal deskera.crm_deal")])
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))


def _functions(settings_path: Path) -> Functions:
    """Return the operator's own functions, if there are settings."""
    if not settings_path.exists():
        return {}
    try:
        return load_functions(mapping_files(settings_path, os.environ)[1])
    except ConfigError:
        return {}  # `bridge check` says what is wrong with the settings


def _half(role: str, text: str) -> Half:
    before, equals, name = text.rpartition("=")
    product, dot, entity = name.partition(".")
    if not dot or (equals and not before):
        raise ConfigError(
            [Problem(text, "is not an entity of a product", "write pipedrive.deal, or sales=pipedrive.deal")]
        )
    if product not in CONNECTORS:
        raise ConfigError([Problem(text, f"no product is called `{product}`", did_you_mean(product, list(CONNECTORS)))])
    entities = CONNECTORS[product].manifest.entities
    if entity not in entities:
        raise ConfigError([Problem(text, f"{product} has no entity `{entity}`", did_you_mean(entity, list(entities)))])
    return Half(before or role, f"{product} {entity}", entities[entity])
