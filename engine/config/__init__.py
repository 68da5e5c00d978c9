"""Pulumi.yaml, Pulumi.<stack>.yaml, environment: one merged view.

    selection    which stack: flag, environment, `.workstead/selected`; stack names
    settings     Workstead's own settings: flag, environment, stack file, project, default
    passphrase   where the pass phrase of the secrets comes from
    run          what a run gets: texts for the program, properties for providers; checks
    stack        Pulumi.<stack>.yaml: read, shown, changed
    project      Pulumi.yaml: read, found
    document     any such file: read as Pulumi reads it, changed in place
    entries      one config key and its value: pure

Each imports only what is below it. Nothing here imports pulumi, pydantic or a cloud's SDK, because every command, also
the shortest, comes through here. The environment is an argument, never looked up.
"""

from engine.config.passphrase import ensure_own_passphrase, own_key_file, passphrase
from engine.config.project import Declaration, Project, find_project, make_own_folder, read_project
from engine.config.run import RunConfig, run_config
from engine.config.selection import parse_stack_name, select_stack, selected_stack, unselect_stack
from engine.config.settings import Settings, read_settings
from engine.config.stack import StackConfig, Vault, read_stack_config

__all__ = [
    "Declaration",
    "Project",
    "RunConfig",
    "Settings",
    "StackConfig",
    "Vault",
    "ensure_own_passphrase",
    "find_project",
    "make_own_folder",
    "own_key_file",
    "parse_stack_name",
    "passphrase",
    "read_project",
    "read_settings",
    "read_stack_config",
    "run_config",
    "select_stack",
    "selected_stack",
    "unselect_stack",
]
