"""The command line: what can be given, and how errors look. What commands do stands in ``commands_*.py``.

An error of the operator is one line on stderr and status 2; Ctrl-C is status 130; an audit that finds something is 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dialer import __version__
from dialer.commands_audit import audit_command, why_command
from dialer.commands_demo import demo_command
from dialer.commands_key import create_command, list_command, revoke_command
from dialer.commands_run import RunOptions, run_command
from dialer.commands_sim import SimOptions, sim_command
from dialer.commands_up import UpOptions, down_command, status_command, up_command
from dialer.errors import OperatorError

STATUS_BAD_INPUT = 2
STATUS_INTERRUPTED = 130

app = typer.Typer(
    name="dialer",
    help="An outbound dialer for call centres, on Ray. Start with: dialer demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line instead of a report.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Directory of all durable facts.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        typer.echo(f"dialer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: dialer demo --seed 7")
def demo(
    seed: Annotated[int, typer.Option(help="Another seed, other callees.")] = 1,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Keep the records here; default a temporary directory.")
    ] = None,
    json: Json = False,
) -> None:
    """Dial five small campaigns with simulated agents and callees: a tour in about a minute."""
    raise typer.Exit(demo_command(seed=seed, data=data, as_json=json))


@app.command(
    epilog="Example: dialer run examples/progressive.yaml --contacts examples/contacts.csv "
    "--dnc examples/dnc.csv --agents 20 --speed 60"
)
def run(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN.yaml", help="The campaign file.")],
    contacts: Annotated[
        list[Path] | None, typer.Option("--contacts", metavar="FILE", help="A CSV of contacts; may be repeated.")
    ] = None,
    dnc: Annotated[
        list[Path] | None, typer.Option("--dnc", metavar="FILE", help="A CSV of numbers not to call; may be repeated.")
    ] = None,
    agents: Annotated[int | None, typer.Option(help="Agents, instead of the number in the file.")] = None,
    trunk: Annotated[str, typer.Option(help="simulated: the built-in carrier.")] = "simulated",
    speed: Annotated[float, typer.Option(help="Dialler seconds in a wall second, 1 to 600.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of callees, agents and ties.")] = 1,
    data: Data = Path("data"),
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Dialler time at the start: now, or ISO 8601. Default: when all may be called."
        ),
    ] = None,
    per_actor: Annotated[str, typer.Option(metavar="N|auto", help="Agents in one Ray actor.")] = "auto",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the report as a page.")] = None,
    json: Json = False,
) -> None:
    """Dial one campaign to its end and print the report. Ctrl-C lets calls end; the next run goes on from there."""
    options = RunOptions(
        campaign=campaign,
        contacts=tuple(contacts or ()),
        dnc=tuple(dnc or ()),
        agents=agents,
        trunk=trunk,
        speed=speed,
        seed=seed,
        data=data,
        start=start,
        per_actor=per_actor,
        html=html,
        as_json=json,
    )
    raise typer.Exit(run_command(options))


@app.command(epilog="Example: dialer sim --mode progressive --agents 100 --hours 8 --seed 7")
def sim(
    mode: Annotated[str, typer.Option(help="agentless, preview, progressive, power or predictive.")] = "progressive",
    agents: Annotated[int, typer.Option(help="Agents; calls at one moment if agentless.")] = 20,
    hours: Annotated[float, typer.Option(help="Length of the shift.")] = 8.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same digest.")] = 1,
    faults: Annotated[str, typer.Option(help="none, light or heavy: lost messages, crashes, zombies.")] = "none",
    profile: Annotated[str, typer.Option(help="World of the simulated carrier.")] = "typical",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the report as a page.")] = None,
    json: Json = False,
) -> None:
    """Simulate a shift in virtual time: the same machines, no Ray, reproducible to the last message."""
    options = SimOptions(
        mode=mode, agents=agents, hours=hours, seed=seed, faults=faults, profile=profile, html=html, as_json=json
    )
    raise typer.Exit(sim_command(options))


@app.command(epilog="Example: dialer audit data")
def audit(
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="The data directory.")] = Path("data"),
    json: Json = False,
) -> None:
    """Recompute every promise from the records: status 1 if one is broken."""
    raise typer.Exit(audit_command(data, as_json=json))


@app.command(epilog="Example: dialer why data spring-progressive")
def why(
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="The data directory.")],
    campaign: Annotated[str, typer.Argument(help="The campaign.")],
    contact: Annotated[str | None, typer.Argument(help="A number, or a row of the list.")] = None,
    json: Json = False,
) -> None:
    """Why contacts of a campaign are or are not dialled; or one contact's next possible moment."""
    raise typer.Exit(why_command(data, campaign, contact, as_json=json))


@app.command(epilog="Example: dialer up --config dialer.yaml")
def up(
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The service file; default dialer.yaml if there is one."),
    ] = None,
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A Ray cluster; default RAY_ADDRESS, else this machine.")
    ] = None,
    speed: Annotated[float, typer.Option(help="Dialler seconds in a wall second, 1 to 600.")] = 1.0,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Dialler time at the start, ISO 8601.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of callees and ties.")] = 1,
    per_actor: Annotated[str, typer.Option(metavar="N|auto", help="Agents in one Ray actor.")] = "auto",
) -> None:
    """Run the service: actors and HTTP API, until Ctrl-C or `dialer down`."""
    options = UpOptions(config=config, address=address, speed=speed, start=start, seed=seed, per_actor=per_actor)
    raise typer.Exit(up_command(options))


@app.command(epilog="Example: dialer status --data data")
def status(data: Data = Path("data"), json: Json = False) -> None:
    """Show what a running service is doing."""
    raise typer.Exit(status_command(data, as_json=json))


@app.command(epilog="Example: dialer down --data data")
def down(data: Data = Path("data")) -> None:
    """End a running service after its calls in progress."""
    raise typer.Exit(down_command(data))


keys = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)
app.add_typer(keys, name="key")


@keys.command("create", epilog="Example: dialer key create console --role admin")
def key_create(
    name: Annotated[str, typer.Argument(help="Who or what will hold it.")],
    role: Annotated[str, typer.Option(help="admin, supervisor, agent or read.")] = "admin",
    data: Data = Path("data"),
    json: Json = False,
) -> None:
    """Make a key and show it once."""
    raise typer.Exit(create_command(data, name, role, as_json=json))


@keys.command("list", epilog="Example: dialer key list")
def key_list(data: Data = Path("data")) -> None:
    """List keys, without their secrets."""
    raise typer.Exit(list_command(data))


@keys.command("revoke", epilog="Example: dialer key revoke 1a2b3c4d")
def key_revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As shown by `dialer key list`.")],
    data: Data = Path("data"),
) -> None:
    """Revoke a key, at once."""
    raise typer.Exit(revoke_command(data, key_id))


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a dash is no reason to stop
    try:
        app()
    except OperatorError as error:
        typer.echo(f"dialer: {error}", err=True)
        sys.exit(STATUS_BAD_INPUT)
    except KeyboardInterrupt:
        typer.echo("dialer: interrupted", err=True)
        sys.exit(STATUS_INTERRUPTED)
