"""The parts of the program, each loaded when it is first asked for: `tributary --help` imports none of them."""

from __future__ import annotations

import importlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import typer

_HELP_WORDS = frozenset({"--help", "-h"})


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-command whose module has a Typer application named `app`.

    Attributes:
        name: the word on the command line.
        module: where its `app` is.
        purpose: what `tributary --help` says of it.
        panel: the group that it is listed in.
        needs_database: without DATABASE_URL, it runs on the embedded PostgreSQL.
    """

    name: str
    module: str
    purpose: str
    panel: str
    needs_database: bool = False


_TRY, _OWN, _USE = "Try it on this machine", "For those who made it", "For those who use it"
_STAGES, CHECK_PANEL = "Stages, one process each", "Check and repair"

PARTS = (
    Part("demo", "tributary.demo.command", "Run everything once, from inferences to payouts, and check it.", _TRY),
    Part("devnet", "tributary.devnet.command", "Start and stop an L1 and an OP Stack L2 of one's own.", _TRY),
    Part("deploy", "tributary.deploy_command", "Compile the contracts and put them on both chains.", _TRY),
    Part(
        "register",
        "tributary.registration.command",
        "Register a model, adapter or dataset with its terms, after a preview.",
        _OWN,
    ),
    Part(
        "pay",
        "payer.command",
        "Pay for what programs here ask: a local proxy that signs caps and checks every receipt.",
        _USE,
    ),
    Part("serve", "serving.command", "Answer inference requests; every answer leaves a signed receipt.", _STAGES, True),
    Part("batch", "batcher.command", "Post receipts: blobs on L1, their commitment on L2.", _STAGES, True),
    Part("index", "indexer.command", "Mirror both chains and the blobs into PostgreSQL, verified.", _STAGES, True),
    Part("api", "api.command", "Serve royalties, receipts, batches and proofs to readers.", _STAGES, True),
    Part("settle", "settlement.command", "Compute what is owed, have it attested, pay it out.", _STAGES, True),
    Part("attest", "settlement.command_attest", "Sign distributions that your own index gives too.", _STAGES),
    Part("key", "serving.command_key", "Give a payer an API key without an authorization.", _STAGES, True),
    Part(
        "verify", "tributary.verify.command", "Check a file that explains a payout or a receipt, offline.", CHECK_PANEL
    ),
    Part("watch", "watcher.command", "Challenge false batches; anyone may, and the slash rewards it.", CHECK_PANEL),
    Part(
        "entitlements",
        "tributary.entitlements.command",
        "Compute what everybody has earned from logs and blobs alone.",
        CHECK_PANEL,
    ),
    Part(
        "attribution",
        "tributary.attribution.command",
        "Index registered texts; say whose words an answer holds; compute a receipt's set again.",
        CHECK_PANEL,
    ),
    Part("archive", "indexer.command_archive", "Check the blob archive, and fetch what it lacks.", CHECK_PANEL, True),
    Part("audit", "audit.command", "Rebuild every balance from chains and blobs alone, and compare.", CHECK_PANEL),
)


def mount(application: typer.Typer, part: Part) -> None:
    """Add a part to the program; its module is imported when it is called."""

    def call(context: typer.Context) -> None:
        words = list(context.args)
        with ExitStack() as resources:
            if part.needs_database and not _HELP_WORDS.intersection(words):
                from tributary.database import database_from_settings  # noqa: PLC0415  # half a second, for --help too

                os.environ["DATABASE_URL"] = resources.enter_context(database_from_settings())
            raise typer.Exit(run_part(part, words))

    application.command(
        part.name,
        help=part.purpose,
        rich_help_panel=part.panel,
        add_help_option=False,  # `--help` goes to the part, which knows its options
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
        },
    )(call)


def run_part(part: Part, words: list[str]) -> int:
    """Run a part with its words of the command line; its exit code."""
    module: Any = importlib.import_module(part.module)
    program = typer.main.get_command(module.app)
    outcome = program.main(args=words, prog_name=f"tributary {part.name}", standalone_mode=False)
    return outcome if isinstance(outcome, int) else 0
