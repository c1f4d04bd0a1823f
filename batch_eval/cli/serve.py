"""batch-eval serve: try and collect digits in a local page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from batch_eval.cli import options
from batch_eval.cli.grouping import grouped
from batch_eval.errors import ConfigError
from batch_eval.installation import install_command


@grouped
def serve(
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            "-m",
            help="A saved model to offer in the page, beside the default model; repeatable.",
            show_default=False,
        ),
    ] = None,
    *,
    opening: options.ModelFlags,
    preprocess: options.Preprocess = "photo",
    folder: Annotated[
        Path | None,
        typer.Option(help="A folder of labelled images. The page shows random ones.", show_default=False),
    ] = None,
    collect: Annotated[
        Path | None,
        typer.Option(
            help="Save drawings and photos into this folder, by label. `run` can evaluate it.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on. 0.0.0.0 lets other machines use the page.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on. 0 takes any free one.")] = 8028,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve a local page to draw, upload or photograph digits, see how a model reads them, and collect a data set.

    Stop it with Ctrl-C. Needs the extra `web`; where it is missing, the error says how to install it.

    **Examples**

    `batch-eval serve --open`

    `batch-eval serve --model mnist.keras --folder sample_images --collect my-digits`
    """
    try:
        from batch_eval.web import app, server
    except ImportError as error:
        raise ConfigError(
            f"the page needs starlette and uvicorn ({error}). Install them with: {install_command('web')}"
        ) from error
    from batch_eval.cli.console import say, tell
    from batch_eval.cli.finish import default_out
    from batch_eval.web.collecting import Collection
    from batch_eval.web.examples import Examples
    from batch_eval.web.readers import open_readers
    from batch_eval.web.security import LOOPBACK

    readers = open_readers([opening.options(path) for path in model or ()])
    readers.get(0, preprocess)  # refuse an unknown recipe before serving anything
    examples = Examples(folder) if folder else None
    collection = Collection(collect, readers.labels, default_out(collect)) if collect else None
    # the port is taken first: with --port 0 the address is known only then
    listening = server.listen(host, port)

    def announce() -> None:
        url = server.address(listening)
        tell(f"Open {url} in a browser. Stop with Ctrl-C.")
        if host not in LOOPBACK:
            if elsewhere := server.network_address(listening):
                tell(f"On a phone in the same network, open {elsewhere}")
            say("Note: anyone who can reach this machine can use the page, and save images if --collect is given.")
        if open_page:
            typer.launch(url)

    server.serve(app.create_app(app.Site(readers, preprocess, examples, collection), host), listening, announce)
