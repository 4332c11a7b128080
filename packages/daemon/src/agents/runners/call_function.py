"""Calls one function of a module for one task. Started by the agent `script`:

    python3 call_function.py MODULE FUNCTION

The function is given the task; what it returns is the result, what it raises a failure.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path


def say(message):
    sys.stdout.write("::neolith " + json.dumps(message) + "\n")
    sys.stdout.flush()


class Task:
    def __init__(self):
        self.task_id = os.environ["NEOLITH_TASK_ID"]
        self.attempt_id = os.environ["NEOLITH_ATTEMPT_ID"]
        self.working_directory = os.getcwd()
        self.context = json.loads(Path(os.environ["NEOLITH_CONTEXT_FILE"]).read_text("utf-8"))
        self.is_blocked = False

    @property
    def prompt(self):
        """The task in words; read when asked for, as it may be megabytes."""
        return Path(os.environ["NEOLITH_PROMPT_FILE"]).read_text("utf-8")

    def progress(self, percent, message=None):
        say({"progress": percent} if message is None else {"progress": percent, "message": message})

    def message(self, message):
        say({"message": message})

    def artifact(self, type, content):
        say({"artifact": {"type": type, "content": content}})

    def metadata(self, metadata):
        say({"metadata": metadata})

    def block(self, reason, question=None):
        self.is_blocked = True
        say({"blocked": reason} if question is None else {"blocked": reason, "question": question})


def main():
    path, name = sys.argv[1], sys.argv[2]
    # As for a script that is run: its neighbours can be imported.
    sys.path[0] = str(Path(path).resolve().parent)
    spec = importlib.util.spec_from_file_location("neolith_script", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["neolith_script"] = module
    spec.loader.exec_module(module)
    wanted = getattr(module, name, None)
    if not callable(wanted):
        sys.exit(f"{path} has no function called {name!r}.")
    task = Task()
    output = wanted(task)
    if not task.is_blocked:
        # By the file: a line is cut where a result is long.
        Path(os.environ["NEOLITH_RESULT_FILE"]).write_text(json.dumps(output), "utf-8")


main()
