"""Who may import whom (HOUSE.md section 3), what the core may not touch, and what a quick command may not load.

The imports are read from the source, those inside functions and of type checkers included: a rule that holds at run
time only would not be one. What a layer may import is listed; everything else fails with the offending line.
"""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.workstead import ROOT, Folder, clean_environment, copy_of_stack

CLOUDS = sorted(file.parent.parent.name for file in (ROOT / "providers").glob("*/emulator/__init__.py"))

# Layer → what it may import of this project, and of other people's packages. Itself and the standard library are
# allowed everywhere but in the core. The longest name that fits a module is its layer.
CORE = "engine.core"
LAYERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    CORE: ((), ("networkx",)),
    "engine.clock": ((), ()),
    "engine.hands": ((), ()),
    "engine.promise": ((), ()),
    "engine.stop": ((), ()),
    # What they need of each other is handed to them (HOUSE 3.4).
    "engine.caller": ((CORE, "engine.clock"), ()),
    "engine.work": ((CORE, "engine.promise"), ()),
    "engine.executor": ((CORE, "engine.caller", "engine.clock", "engine.hands", "engine.promise", "engine.work"), ()),
    "engine.recovery": ((CORE,), ()),
    "engine.state": ((CORE,), ("cryptography", "msgspec")),
    "engine.views": ((CORE,), ("rich",)),
    "engine.config": ((CORE,), ("msgspec", "platformdirs", "yaml")),
    "engine.assets": ((CORE,), ()),
    "engine.builtins": ((CORE,), ()),
    # The only two that know Pulumi's SDK.
    "engine.program": ((CORE,), ("pulumi",)),
    "engine.monitor": ((CORE, "engine.program"), ("pulumi", "google.protobuf")),
    "engine.answers": (
        (CORE, "engine.caller", "engine.clock", "engine.executor", "engine.monitor", "engine.promise"),
        (),
    ),
    # What an operation is told of its stack; the types of a program and of answers are named, never loaded.
    "engine.stack": (
        (CORE, "engine.clock", "engine.hands", "engine.state.backend", "engine.program", "engine.answers"),
        (),
    ),
    # What one run is made of. Files, settings and clouds reach it through a `Stack`.
    "engine.source": ((CORE, "engine.builtins", "engine.stack"), ()),
    "engine.telling": ((CORE, "engine.stack", "engine.stop"), ()),
    "engine.tenure": ((CORE, "engine.patience", "engine.stack", "engine.state", "engine.stop", "engine.telling"), ()),
    "engine.run": (
        (
            CORE,
            "engine.answers",
            "engine.assets",
            "engine.caller",
            "engine.executor",
            "engine.monitor",
            "engine.program",
            "engine.recovery",
            "engine.source",
            "engine.stack",
            "engine.stop",
            "engine.telling",
            "engine.tenure",
        ),
        (),
    ),
    # The stations of a run, which do not know each other; only an import shows steps as a plan does.
    "engine.settling": ((CORE, "engine.patience", "engine.recovery", "engine.run"), ()),
    "engine.observing": ((CORE, "engine.caller", "engine.promise", "engine.run"), ()),
    "engine.planning": ((CORE, "engine.answers", "engine.run"), ()),
    "engine.acting": (
        (CORE, "engine.answers", "engine.executor", "engine.program", "engine.promise", "engine.run"),
        (),
    ),
    "engine.adoption": ((CORE, "engine.caller", "engine.executor", "engine.planning", "engine.run"), ()),
    # The one place that joins the stations.
    "engine.deployment": (
        (
            CORE,
            "engine.acting",
            "engine.adoption",
            "engine.observing",
            "engine.planning",
            "engine.recovery",
            "engine.run",
            "engine.settling",
            "engine.stack",
            "engine.stop",
        ),
        (),
    ),
    # Makes that `Stack` out of files, settings, record and clouds.
    "engine.opening": (
        (CORE, "engine.clock", "engine.config", "engine.program", "engine.stack", "engine.state", "providers"),
        (),
    ),
    # A lease whose writes wait for a disk that is full.
    "engine.patience": ((CORE, "engine.clock", "engine.state"), ()),
    # Brings an earlier version of a record back, also where it is damaged.
    "engine.restoring": ((CORE, "engine.opening", "engine.state"), ()),
    # `cloud …` works on the emulators' file itself, and `import` knows our types by their short names.
    "engine.cli": (
        (
            CORE,
            "engine.adoption",
            "engine.clock",
            "engine.config",
            "engine.deployment",
            "engine.opening",
            "engine.planning",
            "engine.restoring",
            "engine.run",
            "engine.state",
            "engine.stop",
            "engine.views",
            "providers",
            "providers.emulation",
        ),
        ("click",),
    ),
    "engine.__main__": (("engine.cli",), ()),
    "engine": ((CORE, "engine.deployment", "engine.opening", "engine.run", "engine.stack"), ()),
    # The clouds, and what they share. The registry finds them; nothing shared knows one of them.
    "providers": ((CORE, "providers.dynamic", "providers.resource"), ()),
    "providers.inputs": ((CORE,), ("pydantic", "pydantic_core")),
    # It starts the emulators when a stack's settings ask for them.
    "providers.base": ((CORE, "providers.inputs", "providers.emulation"), ()),
    "providers.resource": ((CORE, "providers.base"), ("pulumi",)),
    "providers.dynamic": ((CORE,), ("pulumi", "google.protobuf", "dill")),
    "providers.patience": ((CORE, "providers.pace"), ("tenacity",)),
    "providers.pace": ((CORE,), ()),
    "providers.errors": ((CORE,), ()),
    "providers.http": ((CORE, "providers.base", "providers.pace", "providers.patience"), ("httpx2",)),
    # `providers` only tells which clouds there are.
    "providers.emulation": (("engine.core.errors", "providers"), ("uvicorn",)),
    "stacks": (tuple(f"providers.{cloud}" for cloud in CLOUDS), ("pulumi", "pulumi_aws")),
}
SHARED = tuple(
    f"providers.{name}" for name in ("base", "emulation", "errors", "http", "inputs", "pace", "patience", "resource")
)
# SageMaker's wire is boto3, and its emulator checks against botocore's own service model.
OF_CLOUD = {"sagemaker": ("boto3", "botocore")}
for name in CLOUDS:
    own = OF_CLOUD.get(name, ())
    LAYERS[f"providers.{name}"] = ((CORE, "providers", *SHARED), ("pydantic", "pulumi", *own))
    # A reading of the vendor's pages of its own: it shares nothing with the client, the schema or the engine.
    LAYERS[f"providers.{name}.emulator"] = (("providers.emulation",), own)

# The standard library without the world. `contextvars` hands a call its surroundings, `builtins` gives `property` back
# where a member is called so.
PURE = {
    *("__future__", "builtins", "collections", "contextvars", "dataclasses", "enum", "functools", "heapq", "itertools"),
    *("json", "math", "re", "types", "typing"),
}
WORLDLY = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__", "globals"}

HEAVY = ("pulumi", "boto3", "pydantic", "rich", "networkx", "asyncio")


@dataclass(frozen=True)
class Import:
    """One import: who, whom, and where it stands."""

    module: str
    target: str
    file: Path
    line: int

    def __str__(self) -> str:
        text = self.file.read_text().splitlines()[self.line - 1].strip()
        return f"{self.file.relative_to(ROOT)}:{self.line}: {text}"


def modules(top: str) -> Iterator[tuple[str, Path, ast.Module]]:
    """(dotted name, file, syntax tree) of every module under a folder."""
    for file in sorted((ROOT / top).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, file, ast.parse(file.read_text(), str(file))


def imports_of(name: str, file: Path, tree: ast.Module) -> Iterator[Import]:
    """Every module a module imports, also by `importlib.import_module` with a name that can be read."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case ast.ImportFrom(module=base, level=0, names=names):
                targets = [_module_of(f"{base}.{alias.name}") for alias in names]
            case ast.ImportFrom():
                targets = ["a relative import"]
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(target))]):
                targets = [target]
            case _:
                continue
        for target in targets:
            yield Import(name, target, file, node.lineno)


def _module_of(dotted: str) -> str:
    """`engine.core.plan` of `engine.core.plan.Op`; the whole name where that is a module itself, or not ours."""
    path = ROOT.joinpath(*dotted.split("."))
    return (
        dotted if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() else dotted.rpartition(".")[0]
    )


@cache
def everything() -> list[tuple[str, Path, ast.Module]]:
    """Every module of ours: name, file and syntax tree.

    Without the collector: a finaliser that ran while it parsed made Python 3.11.7 fail with a SystemError.
    """
    gc.disable()
    try:
        return [each for top in ("engine", "providers", "stacks") for each in modules(top)]
    finally:
        gc.enable()


@cache
def imports() -> list[Import]:
    """Everything that they import."""
    return [found for each in everything() for found in imports_of(*each)]


def layer_of(module: str) -> str:
    """The longest layer name that is the module or a package around it."""
    names = module.split(".")
    prefixes = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in LAYERS), "")


def is_under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def is_allowed(each: Import) -> bool:
    layer = layer_of(each.module)
    if is_under(each.target, "engine") or is_under(each.target, "providers"):
        ours, _ = LAYERS[layer]
        target = layer_of(each.target)
        # A package named in the list stands for itself and for what has no layer of its own in it.
        return target == layer or target in ours or each.target in ours
    top = each.target.partition(".")[0]
    if top in sys.stdlib_module_names:
        return layer != CORE or top in PURE
    return any(is_under(each.target, package) for package in LAYERS[layer][1])


def starts_the_emulator(each: Import) -> bool:
    """The one way from a cloud's client to its emulator: by name, when the settings say `emulate`."""
    text = str(each)
    return is_under(each.target, f"{layer_of(each.module)}.emulator") and "import_module" in text


# --- the rules --------------------------------------------------------------------------------------------------------


def test_every_module_has_a_layer() -> None:
    """A new file of the engine, or one that clouds share, has to say what it may import."""
    assert {name for name, _, _ in everything() if layer_of(name) in ("", "engine", "providers")} == {
        "engine",
        "providers",
    }
    assert {layer for layer in LAYERS if not any(layer_of(name) == layer for name, _, _ in everything())} == set()


def test_imports_keep_to_the_layers() -> None:
    wrong = [each for each in dict.fromkeys(imports()) if not is_allowed(each) and not starts_the_emulator(each)]
    assert not wrong, "\n".join(f"{each}\n    {layer_of(each.module)} may not import {each.target}" for each in wrong)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_emulator_and_client_are_independent_readings(cloud: str) -> None:
    emulator = f"providers.{cloud}.emulator"
    across = [
        each
        for each in imports()
        if is_under(each.module, f"providers.{cloud}")
        and is_under(each.target, f"providers.{cloud}")
        and is_under(each.module, emulator) != is_under(each.target, emulator)
        and not starts_the_emulator(each)
    ]
    assert not across, "\n".join(map(str, across))


def test_the_core_does_not_touch_the_world() -> None:
    touched = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.func.id}(…)"
        for name, file, tree in everything()
        if is_under(name, CORE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY
    ]
    assert not touched, "\n".join(touched)


@pytest.mark.parametrize(
    ("module", "target", "allowed"),
    [
        ("engine.core.plan", "engine.core.model", True),
        ("engine.core.plan", "engine.state.codec", False),
        ("engine.core.plan", "os", False),
        ("engine.core.plan", "networkx", True),
        ("engine.views.text", "engine.executor", False),
        ("engine.state.sqlite", "engine.views", False),
        ("engine.deployment", "providers", False),
        ("engine.cli.cloud", "providers.dataforest.client", False),
        ("providers.dataforest.client", "providers.modelarts", False),
        ("providers.dataforest.client", "engine.deployment", False),
        ("providers.dataforest.emulator.fields", "providers.dataforest.schema", False),
        ("providers.dataforest.emulator.fields", "engine.core.values", False),
        ("providers.modelarts.client", "boto3", False),
        ("stacks.quickstart.__main__", "engine", False),
        ("stacks.quickstart.__main__", "providers.dataforest", True),
    ],
)
def test_the_rules_say_no(module: str, target: str, allowed: bool) -> None:
    assert is_allowed(Import(module, target, Path(), 1)) is allowed


# --- the import budget ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The quickstart with its stack, so that there is a record to read."""
    path = tmp_path_factory.mktemp("budget")
    environ = {**clean_environment(path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"}
    folder = Folder(copy_of_stack("quickstart", path / "project"), environ)
    folder.run("up", "--stack", "dev", "--yes").must()
    return folder


def loaded(folder: Folder, *arguments: str, **environ: str) -> set[str]:
    """The top-level packages a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "engine", *arguments],
        cwd=folder.path,
        env={**folder.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    lines = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert "click" in lines
    return {line.partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "--version",
        "version",
        "up --help",
        "cloud serve --help",
        "stack ls --json",
        "stack output --stack dev",
        "stack history --stack dev",
        "stack export --stack dev",
        "stack select dev",
        "config --stack dev",
        "config get team --stack dev",
        "cloud ls",
        "cloud log",
        "cloud fault ls",
    ],
)
def test_what_only_reads_starts_fast(here: Folder, command: str) -> None:
    assert loaded(here, *command.split()) & set(HEAVY) == set()


def test_completion_starts_fast(here: Folder) -> None:
    words = {"_WORKSTEAD_COMPLETE": "bash_complete", "COMP_WORDS": "workstead stack ex", "COMP_CWORD": "2"}
    assert loaded(here, **words) & set(HEAVY) == set()


def test_the_budget_would_notice(here: Folder) -> None:
    assert loaded(here, "preview", "--stack", "dev") >= {"pulumi", "networkx"}
