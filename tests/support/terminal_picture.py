"""Makes the README's picture of the terminal anew: ``PYTHONPATH=tests python -m support.terminal_picture``.

It runs commands on a real terminal, and draws what they wrote, colours and all.
"""

import os
import re
import shlex
import tempfile
from contextlib import closing, suppress
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from smsjobs import SmsError, connect
from support.dev import Dev
from support.terminal import Terminal

FILE = Path(__file__).parents[2] / "docs" / "images" / "terminal.svg"
SEND = "smsjobs send --element SMS.YourSmsName --template SMS_100000001 \\\n  --param code=246810 --lane verification 13800138000"
COMMANDS = (SEND, "smsjobs jobs", "smsjobs campaign status double-11")
#: Numbers of the simulator's to which no message is accepted: of recipients who had enough, and of other causes.
ENOUGH = ("15400000001", "15400000002", "15400000003")
REFUSED = ("15400000106", "15400000110", "15400000001")


def prepare(directory: Path) -> None:
    """A campaign that has ended, and jobs that were rejected."""
    numbers = [str(13_800_138_000 + number) for number in range(2_000)]
    numbers[900:900] = ENOUGH
    people = directory / "people.csv"
    people.write_text(
        "phone,name\n" + "".join(f"{each},张三{n}\n" for n, each in enumerate(numbers)), "utf-8"
    )
    with closing(connect()) as sms:
        element = sms.getElement("SMS.YourSmsName")
        for phone in REFUSED:
            with suppress(SmsError):
                element.sendMessage([phone], {"code": "135790"}, "SMS_100000001").get(20)
        element.campaign("double-11", recipients=people, verifyTemplateCode="SMS_100000003").wait(timeout=60)


def main() -> None:
    """Start everything, run the commands, and draw them."""
    console = Console(record=True, width=80, file=StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as directory, Dev(Path(directory)) as dev:
        os.environ.update(dev.environment)
        prepare(Path(directory))
        # Nothing moves in a picture.
        env = {**os.environ, "TTY_INTERACTIVE": "0"}
        for command in COMMANDS:
            words = shlex.split(command.replace("\\\n", ""))
            with Terminal(*words[1:], env=env, cwd=Path(directory)) as terminal:
                terminal.end()
                console.print(Text(f"$ {command}", style="bold"))
                console.print(Text.from_ansi(terminal.written.replace("\r\n", "\n").strip("\n")), "\n")
    svg = console.export_svg(title="smsjobs", theme=MONOKAI, unique_id="terminal")
    # A picture fetches nothing, not even a font.
    FILE.write_text(re.sub(r" *@font-face {.*?\n    }\n", "", svg, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
