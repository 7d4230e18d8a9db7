#!/usr/bin/env python3
"""The commands in README.md do what it says: readme_snippets.py ROOT BIN

Each ```sh block below a line `<!-- tested -->` runs in bash with BIN first on PATH. The blocks run
in their order in one temporary folder, which is also the home, as a reader would run them. A block
must end with 0, or with the code of `<!-- tested: exit 1 -->`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import structure

BIN = str(Path(sys.argv[2]).resolve())
MARK = re.compile(r"^<!-- tested(?:: exit (\d+))? -->\s*$")
TIMEOUT_S = 300


def tested_blocks(text):
    """(line number, expected exit code, commands) of each marked block, and what is wrong."""
    blocks, wrong = [], []
    lines = text.split("\n")
    for index, line in enumerate(lines):
        mark = MARK.match(line)
        if mark is None:
            if "<!-- tested" in line:
                wrong.append(f"README.md:{index + 1}: this mark is not understood: {line.strip()}")
            continue
        start = index + 1
        while start < len(lines) and not lines[start].strip():
            start += 1
        if start >= len(lines) or lines[start].strip() != "```sh":
            wrong.append(f"README.md:{index + 1}: no ```sh block follows the mark")
            continue
        end = start + 1
        while end < len(lines) and lines[end].strip() != "```":
            end += 1
        if end == len(lines):
            wrong.append(f"README.md:{start + 1}: the block does not end")
            continue
        blocks.append((start + 1, int(mark.group(1) or 0), "\n".join(lines[start + 1:end])))
    return blocks, wrong


def problems(root):
    readme = root / "README.md"
    if not readme.is_file():
        return ["README.md does not exist"]
    blocks, found = tested_blocks(structure.read(readme))
    if not blocks:
        found.append("README.md has no block with <!-- tested -->: nothing was tried")
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("SIGILLO_")}
        environment |= {"PATH": BIN + os.pathsep + os.environ["PATH"], "HOME": folder}
        for line, expected, commands in blocks:
            if not commands.strip():
                found.append(f"README.md:{line}: the block is empty")
                continue
            try:
                result = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=environment,
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S,
                    check=False)
            except subprocess.TimeoutExpired:
                found.append(f"README.md:{line}: not done after {TIMEOUT_S} s")
                continue
            if result.returncode != expected:
                found.append(f"README.md:{line}: exit code {result.returncode}, not {expected}\n"
                             f"{result.stdout}{result.stderr}")
    print(f"{len(blocks)} blocks")
    return found


def _readme(*parts):
    return {"README.md": "# Title\n\n" + "\n".join(parts)}


_GOOD = "<!-- tested -->\n```sh\necho one > file\n```\n"
CONTROLS = [
    (_readme(_GOOD, "<!-- tested: exit 3 -->\n\n```sh\ntest -f file\nexit 3\n```\n",
             "```sh\nfalse\n```\n"), None),
    (_readme("<!-- tested -->\n```sh\nfalse\ntrue\n```\n"), "README.md:4: exit code 1, not 0"),
    (_readme("<!-- tested -->\n```sh\nfalse | true\n```\n"), "exit code 1, not 0"),
    (_readme("<!-- tested: exit 3 -->\n```sh\ntrue\n```\n"), "exit code 0, not 3"),
    (_readme("<!-- tested -->\n```sh\nno-such-command\n```\n"), "exit code 127"),
    (_readme(_GOOD, "<!-- tested -->\ntext\n"), "no ```sh block follows"),
    (_readme(_GOOD, "<!-- tested -->\n```sh\ntrue\n"), "does not end"),
    (_readme(_GOOD, "<!-- tested: any -->\n```sh\ntrue\n```\n"), "not understood"),
    (_readme("<!-- tested -->\n```sh\n```\n"), "the block is empty"),
    (_readme("```sh\ntrue\n```\n"), "nothing was tried"),
    ({"core/a.cpp": ""}, "README.md does not exist"),
]

if __name__ == "__main__":
    structure.run("readme snippets", problems, CONTROLS, Path(sys.argv[1]))
