"""`bridge simulate NAME`: one simulator alone on loopback, to rehearse mappings against."""

import click

from bridge.simulators.serve import HOST, PRODUCTS, how_to, serve_forever


@click.command()
@click.argument("name", type=click.Choice(sorted(PRODUCTS)))
@click.option("--port", default=8901, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Ids and tokens repeat with the same seed.")
def simulate(name: str, port: int, seed: int) -> None:
    """Run the simulator of a product on loopback until interrupted."""
    url = f"http://{HOST}:{port}"
    click.echo(f"{name} simulator on {url}\n\nTo connect, below `options:` of a system:\n\n{how_to(name, url)}\n")
    click.echo(f"Edit as a person: {url}/_control/records/...   faults: {url}/_control/faults")
    click.echo(f"Everything it holds: {url}/_control/state   all routes: docs/simulators.md   stop with Ctrl-C")
    try:
        serve_forever(name, port, seed)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from None
