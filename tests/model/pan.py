"""Runs spin on ledger.pml: what check.py and replay.py share."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
MODEL = Path(__file__).with_name("ledger.pml")
MAX_MEMORY_MB = 1000


def missing():
    """Why nothing can be checked here, or nothing."""
    if shutil.which("spin") is None:
        return "there is no spin (Debian package spin)"
    if compiler() is None:
        return "there is no C compiler"
    return None


def compiler():
    return next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), None)


class Outcome:
    """What pan said: the expression of the assertion that failed or None, states, megabytes."""

    def __init__(self, text):
        self.text = text
        broken = re.search(r"^pan:\d+: (.*) \(at depth \d+\)", text, re.MULTILINE)
        self.failed = broken.group(1) if broken else None
        law = re.match(r"assertion violated \(?(\w+)", self.failed or "")
        self.law = law.group(1) if law else None
        states = re.search(r"^\s*(\d+) states, stored", text, re.MULTILINE)
        memory = re.search(r"^\s*([\d.]+)\s+total actual memory usage", text, re.MULTILINE)
        errors = re.search(r"errors: (\d+)", text)
        # No summary, a truncated search or unfinished business is no result.
        self.complete = bool(states and errors) and "max search depth too small" not in text
        self.states = int(states.group(1)) if states else 0
        self.errors = int(errors.group(1)) if errors else -1
        self.memory_mb = float(memory.group(1)) if memory else 0.0


class Search:
    """The model, compiled with these -D switches; search() goes through all its states, or to an error."""

    def __init__(self, switches, optimize=False, cycles=False):
        self._folder = tempfile.TemporaryDirectory()
        self._cycles = cycles
        shutil.copy(MODEL, self._folder.name)
        self._call(["spin", "-a", *switches, MODEL.name])
        self._call([compiler(), "-O1" if optimize else "-O0", "-w", "-DNP" if cycles else "-DSAFETY",
                    "-DNOCLAIM", f"-DMEMLIM={MAX_MEMORY_MB}", "-o", "pan", "pan.c"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def search(self, events=None, timeout=300):
        command = ["./pan", "-m200000"] + (["-l"] if self._cycles else [])
        if events is not None:
            Path(self._folder.name, "events").write_text(events, encoding="ascii")
            command.append("-E")  # a run that cannot give the next event ends there: no error
        return Outcome(subprocess.run(command, cwd=self._folder.name, capture_output=True, text=True,
                                      timeout=timeout).stdout)

    def _call(self, command):
        done = subprocess.run(command, cwd=self._folder.name, capture_output=True, text=True)
        if done.returncode != 0 or "Error" in done.stdout:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def run(switches, optimize=False, cycles=False):
    with Search(switches, optimize, cycles) as model:
        return model.search()
