"""`bridge simulate NAME`: runs one simulator on loopback, to rehearse mappings."""

from pathlib import Path

import click

from bridge.simulators.keeping import NotKept
from bridge.simulators.serve import HOST, PRODUCTS, serve_forever


@click.command(epilog="Example: bridge simulate pipedrive --keep pipedrive.account")
@click.argument("name", type=click.Choice(sorted(PRODUCTS)))
@click.option("--port", type=int, default=None, help="Default: the product's own port, see docs/simulators.md.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same ids and tokens.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the account in this file, so that records, fields, hooks and tokens survive a restart.",
)
def simulate(name: str, port: int | None, seed: int, keep: Path | None) -> None:
    """Run the simulator of a product on loopback until interrupted."""
    product = PRODUCTS[name]
    port = product.port if port is None else port
    url = f"http://{HOST}:{port}"
    told = "\n".join(f"  {line}" for line in product.options(url).splitlines())
    variables = "\n".join(f"  export {variable}={value}" for variable, value in product.secrets.items())
    click.echo(f"{name} simulator on {url}\n\nTo connect, below `options:` of a system:\n\n{told}\n")
    click.echo(f"and in the environment of `bridge run`:\n\n{variables}\n")
    click.echo(f"Edit records: {url}/_control/records/...   inject faults: {url}/_control/faults")
    click.echo(f"See all data: {url}/_control/state   all routes: docs/simulators.md   stop with Ctrl-C")
    try:
        serve_forever(name, port, seed, keep)
    except NotKept as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from None
