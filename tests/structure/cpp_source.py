"""Just enough of C++'s lexical rules to look at code without its comments."""

import re

SOURCE_ENDINGS = {".c", ".cpp", ".cu", ".cuh", ".h", ".hpp"}

_TOKEN = re.compile(
    r'(?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")'
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')"
    r"|(?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)", re.DOTALL)


def without_comments(text):
    """Comments become blanks; their line breaks stay, so that line numbers do."""
    def blank(match):
        if match.group("comment") is None:
            return match.group()
        return " " + "\n" * match.group().count("\n")
    return _TOKEN.sub(blank, text)


def without_comments_and_strings(text):
    """Strings become empty ones, except in #include lines, where they are names of files."""
    def blank(match):
        lines = "\n" * match.group().count("\n")
        if match.group("comment") is not None:
            return " " + lines
        start = match.string.rfind("\n", 0, match.start()) + 1
        if re.match(r"\s*#\s*include\b", match.string[start:match.start()]):
            return match.group()
        return '""' + lines
    return _TOKEN.sub(blank, text)


def includes(text):
    """(line number, "quote" | "angle" | "other", name) of each #include outside comments."""
    found = []
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        match = re.match(r"\s*#\s*include\b\s*(.*?)\s*$", line)
        if not match:
            continue
        target = match.group(1)
        quoted = re.fullmatch(r'"([^"]+)"', target)
        angled = re.fullmatch(r"<([^>]+)>", target)
        if quoted:
            found.append((number, "quote", quoted.group(1)))
        elif angled:
            found.append((number, "angle", angled.group(1)))
        else:
            found.append((number, "other", target))
    return found
