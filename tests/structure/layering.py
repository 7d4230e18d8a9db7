#!/usr/bin/env python3
"""Who may include whom: cli, server, capi -> app -> { watermark | audit | policies } -> core.

Public headers (include/) include public headers only. core/openssl.hpp stays inside core/.
Examples use what is installed, nothing else. Tests may include what they test.
"""

import posixpath
import sys
from pathlib import Path

import cpp_source
import structure

# module -> modules that it may include, itself among them
ALLOWED = {
    "core": {"core"},
    "watermark": {"watermark", "core"},
    "audit": {"audit", "core"},
    "policies": {"policies", "core"},
    "app": {"app", "watermark", "audit", "policies", "core"},
}
# include/sigillo/<folder> belongs to a module; files right in include/sigillo are the C interface
PUBLIC_FOLDERS = {"core": "core", "watermark": "watermark", "audit": "audit",
                  "policy": "policies", "app": "app"}
OUTSIDE = {"examples", "tests"}


def place(path):
    """(module, is public) of a project file; module None if the rules know no such place."""
    parts = path.split("/")
    if parts[0] == "include":
        if parts[1] != "sigillo":
            return None, True
        if len(parts) == 3:
            return "capi", True
        return PUBLIC_FOLDERS.get(parts[2]), True
    if parts[0] in ALLOWED or parts[0] in OUTSIDE:
        return parts[0], False
    return None, False


def resolve(root, including, name):
    """The project file that an include names, or None if it is not one of ours."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(including), name))
    for candidate in (beside, posixpath.normpath(name), posixpath.join("include", name)):
        if not candidate.startswith("..") and (root / candidate).is_file():
            return candidate
    return None


def objection(module, public, target):
    """Why a file of `module` may not include the project file `target`; None if it may."""
    other, other_public = place(target)
    if other is None:
        return "which belongs to no module"
    if target == "core/openssl.hpp" and module != "core":
        return "which is private to core/"
    if module == "tests":
        return None
    if public and not other_public:
        return "which is not public"
    if module == "examples":
        allowed = other_public or other == "examples"
        return None if allowed else "but examples use public headers only"
    if module == "capi":
        return None if other == "capi" else "but the C interface stands alone"
    if other == "capi":
        return None if module == "app" else "but only app knows the C interface"
    return None if other in ALLOWED[module] else f"but {module} may not know {other}"


def problems(root):
    found = []
    looked_at = 0
    for path in structure.our_files(root):
        if path.suffix not in cpp_source.SOURCE_ENDINGS:
            continue
        name = path.as_posix()
        module, public = place(name)
        if module is None:
            found.append(f"{name}: belongs to no module that the layering knows")
            continue
        looked_at += 1
        for line, kind, target in cpp_source.includes(structure.read(root / path)):
            if kind == "other":
                found.append(f"{name}:{line}: a computed include cannot be checked: {target}")
                continue
            ours = resolve(root, name, target)
            if ours is None:
                looks_ours = kind == "quote" or target.startswith("sigillo/")
                # Tests and generated sources may find headers on other paths.
                if looks_ours and module != "tests":
                    found.append(f"{name}:{line}: \"{target}\" is no file of the project")
                continue
            why = objection(module, public, ours)
            if why is not None:
                found.append(f"{name}:{line}: includes {ours}, {why}")
    if looked_at == 0:
        found.append("no source files were found")
    return found


_BASE = {
    "core/a.hpp": "", "core/openssl.hpp": "", "include/sigillo/core/b.hpp": "#include <string>\n",
    "watermark/w.hpp": "", "audit/a.hpp": "", "policies/p.hpp": "", "app/x.hpp": "",
    "include/sigillo/audit/ledger.hpp": "", "include/sigillo/sigillo.h": "",
}


def _with(name, text):
    return {**_BASE, name: text}


CONTROLS = [
    ({**_BASE,
      "core/a.cpp": '#include "core/openssl.hpp"\n#include "sigillo/core/b.hpp"\n',
      "watermark/w.cpp": '#include "w.hpp"\n#include "core/a.hpp"\n// #include "audit/a.hpp"\n',
      "app/x.cpp": '#include "audit/a.hpp"\n#include "policies/p.hpp"\n#include <sqlite3.h>\n',
      "app/c.cpp": '#include "sigillo/sigillo.h"\n',
      "tests/t.cpp": '#include "audit/a.hpp"\n#include "watermark/w.hpp"\n',
      "examples/e.cpp": "#include <sigillo/audit/ledger.hpp>\n"}, None),
    (_with("core/a.cpp", '#include "watermark/w.hpp"\n'), "core may not know watermark"),
    (_with("core/a.cpp", "#include <sigillo/audit/ledger.hpp>\n"), "core may not know audit"),
    (_with("core/a.cpp", '#include "../app/x.hpp"\n'), "core may not know app"),
    (_with("watermark/deep/w.cpp", '#include "audit/a.hpp"\n'), "watermark may not know audit"),
    (_with("watermark/kernels/k.cu", '#  include "policies/p.hpp"\n'), "may not know policies"),
    (_with("audit/a.cpp", '/* x */ #include "policies/p.hpp"\n'), "audit may not know policies"),
    (_with("policies/p.cpp", '#include "sigillo/audit/ledger.hpp"\n'), "may not know audit"),
    (_with("policies/p.cpp", '#include "app/x.hpp"\n'), "policies may not know app"),
    (_with("app/x.cpp", '#include "core/openssl.hpp"\n'), "private to core/"),
    (_with("tests/t.cpp", '#include "core/openssl.hpp"\n'), "private to core/"),
    (_with("include/sigillo/core/c.hpp", '#include "core/a.hpp"\n'), "not public"),
    (_with("include/sigillo/audit/c.hpp", '#include "audit/a.hpp"\n'), "not public"),
    (_with("include/sigillo/core/c.hpp", '#include "sigillo/audit/ledger.hpp"\n'),
     "core may not know audit"),
    (_with("include/sigillo/sigillo.h", '#include "sigillo/core/b.hpp"\n'), "stands alone"),
    (_with("examples/e.cpp", '#include "audit/a.hpp"\n'), "public headers only"),
    (_with("audit/a.cpp", '#include "tests/t.hpp"\n'), "no file of the project"),
    ({**_with("audit/a.cpp", '#include "tests/t.hpp"\n'), "tests/t.hpp": ""}, "may not know tests"),
    (_with("core/a.cpp", "#include HEADER\n"), "computed include"),
    (_with("extra/e.cpp", ""), "belongs to no module"),
    ({}, "no source files"),
]

if __name__ == "__main__":
    structure.run("layering", problems, CONTROLS, Path(sys.argv[1]))
