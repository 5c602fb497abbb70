"""`bridge simulate NAME`: one simulator alone on loopback, to rehearse mappings against."""

import click
from aiohttp import web

from bridge.cli.simulated import SIMULATORS


@click.command()
@click.argument("name", type=click.Choice(sorted(SIMULATORS)))
@click.option("--port", default=8901, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Ids and tokens repeat with the same seed.")
def simulate(name: str, port: int, seed: int) -> None:
    """Run the simulator of a product on loopback until interrupted."""
    simulator = SIMULATORS[name](seed)
    click.echo(f"{name} simulator on http://127.0.0.1:{port}")
    click.echo(simulator.how_to)
    click.echo(f"switches: http://127.0.0.1:{port}/_control/faults   everything it holds: /_control/state")
    web.run_app(simulator.app, host="127.0.0.1", port=port, print=None)
