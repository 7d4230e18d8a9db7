"""What the structure checks share: which files are ours, and how a check proves that it can fail.

A check is a function `problems(root) -> list of strings` with a list of controls. Each control is a
small source tree and the text that the check must report about it; a control without an expected
text must be found clean. `run` tries the controls first: a check that stays silent on a tree that
breaks its rule fails, and so does one that looked at nothing.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
LEFT_OUT = {".git", "build", "node_modules", ".sigillo", "demo-workspace", "__pycache__"}


def our_files(root):
    """Every file of the project below root, as paths relative to it, sorted.

    In a git checkout: tracked files and new ones that are not ignored. Elsewhere: all that is not
    build output.
    """
    if (root / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout
        names = [os.fsdecode(name) for name in listing.split(b"\0") if name]
        return sorted(Path(name) for name in names if (root / name).is_file())
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        found += [(Path(folder) / name).relative_to(root) for name in files]
    return sorted(found)


def read(path):
    # As bytes first: reading as text would hide carriage returns.
    return path.read_bytes().decode("utf-8", errors="replace")


def make_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(name, problems, controls, root):
    """Tries the controls, then the project. Ends the process."""
    expected_failures = 0
    for number, (files, expected) in enumerate(controls, 1):
        with tempfile.TemporaryDirectory() as folder:
            make_tree(Path(folder), files)
            with contextlib.redirect_stdout(io.StringIO()):
                found = problems(Path(folder))
        if expected is None and found:
            sys.exit(f"{name}: control {number}: a clean tree was refused: {found}")
        if expected is not None:
            expected_failures += 1
            if not any(expected in problem for problem in found):
                sys.exit(f"{name}: control {number}: \"{expected}\" was not reported: {found}")
    if expected_failures == 0 or expected_failures == len(controls):
        sys.exit(f"{name}: a control that fails and one that passes are both needed")
    found = problems(root)
    for problem in found:
        print(f"{name}: {problem}", file=sys.stderr)
    print(f"{name}: {len(controls)} controls, {len(found)} problems")
    sys.exit(1 if found else 0)
