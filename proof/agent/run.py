"""The evaluation of an agent: `python -m proof.agent.run --agent 'some-cli -p {prompt}'`.

For each request it generates a project, starts what the request needs, gives the agent the words
of the user, and checks the end state. README.md in this folder says more.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from proof.agent.checks import REQUESTS, Request
from tests.examples import bake
from tests.playbooks import Stream, install, open_stream

COMMIT = "git init -q && git add -A && git -c user.name=a -c user.email=a@b.c commit -qm Project"


def main(arguments: Sequence[str] | None = None) -> int:
    """Give an agent the requests; return 1 unless it reaches the end state of each."""
    parser = argparse.ArgumentParser(prog="python -m proof.agent.run", description=__doc__)
    parser.add_argument(
        "--agent",
        required=True,
        help="its command line; {prompt} is replaced, and without it the prompt is its input",
    )
    parser.add_argument("--request", action="append", choices=REQUESTS, help="one of them; all")
    parser.add_argument("--minutes", type=int, default=30, help="for each request (30)")
    options = parser.parse_args(arguments)
    reached = []
    for name in options.request or REQUESTS:
        begun = time.monotonic()
        problems = evaluate(name, options.agent, options.minutes)
        reached.append(not problems)
        print(f"{name}: {'not ' * bool(problems)}reached, {time.monotonic() - begun:.0f} s")
        for problem in problems:
            print(f"  {problem}", flush=True)
    return 0 if all(reached) else 1


def evaluate(name: str, agent: str, minutes: float) -> list[str]:
    """Give an agent one request; return what is wrong with the end state."""
    request = REQUESTS[name]
    # What an agent has left running may still write while the folder is removed.
    temporary = tempfile.TemporaryDirectory(prefix="agent-", ignore_cleanup_errors=True)
    with temporary as folder, opened(request, folder) as stream:
        request.begin(stream)
        stream.run(COMMIT)
        with asked(agent, request.read_text(name, stream.notes), stream) as running:
            try:
                running.wait(minutes * 60)
            except subprocess.TimeoutExpired:
                return [f"the agent was not done after {minutes} minutes"]
            return list(request.check(stream))


@contextmanager
def opened(request: Request, folder: str) -> Iterator[Stream]:
    """Provide the project of a request; for some with servers and a job that run."""
    if request.is_live:
        with open_stream(Path(folder), prepare=request.prepare) as stream:
            yield stream
    else:
        project = install(bake(folder))
        request.prepare(project.folder)
        yield Stream(project, ExitStack())


@contextmanager
def asked(agent: str, prompt: str, stream: Stream) -> Iterator[subprocess.Popen[str]]:
    """Provide the agent, which has its request; at the end, end it with all that it started."""
    words = [word.replace("{prompt}", prompt) for word in shlex.split(agent)]
    running = subprocess.Popen(  # noqa: S603 - the caller's own command
        words,
        cwd=stream.folder,
        env=stream.project.make_environment(),
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with suppress(BrokenPipeError), running.stdin as typed:
            typed.write("" if "{prompt}" in agent else prompt)
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait()


if __name__ == "__main__":
    sys.exit(main())
