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


def run(switches, trace=None, optimize=False, cycles=False, timeout=300):
    """Compiles the model with these -D switches and searches all its states, or up to an error."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(MODEL, folder)
        if trace is not None:
            Path(folder, "trace.pml").write_text(trace, encoding="ascii")
        _call(["spin", "-a", *switches, MODEL.name], folder)
        kind = "-DNP" if cycles else "-DSAFETY"
        _call([compiler(), "-O2" if optimize else "-O0", "-w", kind, "-DNOCLAIM",
               f"-DMEMLIM={MAX_MEMORY_MB}", "-o", "pan", "pan.c"], folder)
        search = ["./pan", "-m200000"] + (["-l"] if cycles else [])
        if trace is not None:
            search.append("-E")  # a run that cannot give the next event ends there: no error
        return Outcome(subprocess.run(search, cwd=folder, capture_output=True, text=True,
                                      timeout=timeout).stdout)


def _call(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0 or "Error" in done.stdout:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
