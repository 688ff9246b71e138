"""`tideng simulate carrier` and `tideng play`: try everything without a carrier."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape

from tideng.cli.show import out, stop
from tideng.cli.simulate_calls import calls
from tideng.gateway.carriers.simulator_settings import Behaviour, IdStyle, SimulatorSettings

app = typer.Typer(help="Simulated counterparts, for trying out and for your own tests.", no_args_is_help=True)
app.command()(calls)


@app.command()
def carrier(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 2776,
    system_id: Annotated[str, typer.Option(help="The account the gateway binds with.")] = "tideng",
    password: Annotated[str, typer.Option(help="Its password; empty: any.")] = "",
    behaviour: Annotated[Behaviour, typer.Option(help="What happens to each part.")] = Behaviour.INSTANT,
    failing: Annotated[float, typer.Option(min=0, max=1, help="Share reported UNDELIV.")] = 0.0,
    missing: Annotated[float, typer.Option(min=0, max=1, help="Share never reported.")] = 0.0,
    report_delay: Annotated[float, typer.Option(min=0, help="Seconds, with --behaviour delayed.")] = 1.0,
    answer_delay: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0.0,
    throughput: Annotated[float, typer.Option(min=0, help="Parts a second before throttling; 0: any.")] = 0.0,
    disconnect_every: Annotated[int, typer.Option(min=0, help="Drop after so many submits; 0: never.")] = 0,
    id_style: Annotated[str, typer.Option(help="decimal, hex, hex_upper or zero_padded.")] = "decimal",
    report_id_style: Annotated[str, typer.Option(help="The same, for the ids in reports.")] = "decimal",
    seed: Annotated[int, typer.Option(help="Same seed, same behaviour.")] = 1,
) -> None:
    """A real SMPP message centre on loopback: reports, throttling, disconnects, as you ask for them.

    While it runs, a line `PHONE TEXT` on standard input is a reply from that phone.
    """
    styles = ("decimal", "hex", "hex_upper", "zero_padded")
    for name, style in (("--id-style", id_style), ("--report-id-style", report_id_style)):
        if style not in styles:
            stop(f"{name} is {escape(style)!r}; choose one of {', '.join(styles)}")
    settings = SimulatorSettings(
        host=host,
        port=port,
        system_id=system_id,
        password=password,
        behaviour=behaviour,
        shares={k: v for k, v in ((Behaviour.FAILING, failing), (Behaviour.MISSING, missing)) if v},
        report_delay_s=report_delay,
        answer_delay_s=answer_delay,
        throughput_per_s=throughput,
        disconnect_every=disconnect_every,
        id_style=_style(id_style),
        report_id_style=_style(report_id_style),
        seed=seed,
    )
    problem = settings.problem()
    if problem:
        stop(escape(problem))

    try:
        asyncio.run(_serve(settings))
    except KeyboardInterrupt:
        out.print("ended")


async def _serve(settings: SimulatorSettings) -> None:
    """Be that carrier, and its phones: until interrupted, also after standard input has ended."""
    from tideng.gateway.carriers.simulator import SimulatedCarrier

    simulator = SimulatedCarrier(settings)
    try:
        await simulator.start()
    except OSError as error:
        stop(f"cannot listen on {settings.host}:{settings.port}: {escape(str(error))}; choose another --port")
    out.print(f"simulated carrier on [bold]{settings.host}:{simulator.port}[/]; Ctrl-C ends it")
    try:
        while line := await asyncio.to_thread(_line):
            phone, _, text = line.partition(" ")
            if phone and text:
                simulator.reply(phone, text)
        await asyncio.get_running_loop().create_future()
    finally:
        await simulator.close()


def _style(name: str) -> IdStyle:
    match name:
        case "hex":
            return "hex"
        case "hex_upper":
            return "hex_upper"
        case "zero_padded":
            return "zero_padded"
        case _:
            return "decimal"


def _line() -> str:
    try:
        return input()
    except EOFError:
        return ""


def add_to(main: typer.Typer) -> None:
    """Put `tideng simulate` and `tideng play` on the main command."""
    main.add_typer(app, name="simulate", rich_help_panel="Trying it out")
    main.command(rich_help_panel="Trying it out")(play)


def play(
    once: Annotated[bool, typer.Option("--once", help="End after the play instead of going on.")] = False,
) -> None:
    """Start gateway, simulated carrier and console on loopback, and play the story of the false debt."""
    from tideng.cli.play import perform

    try:
        code = asyncio.run(perform(once=once))
    except KeyboardInterrupt:
        code = 0
        out.print("\nended")
    raise typer.Exit(code)
