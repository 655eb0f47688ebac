#!/usr/bin/env python3
"""Runs notebooks through a Jupyter kernel with nbclient, in their fast mode.

    run_course.py KERNEL OUTPUT NOTEBOOK...

KERNEL is the name of an installed kernel; OUTPUT is a folder for the executed notebooks. The variable `fast` of the cell tagged
`parameters` is set by a cell after it, as `taiyi notebook run --parameters fast=true` does. Every notebook gets a line; the exit
code is the number of those that failed.
"""
import os
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError


def use_fast_mode(notebook):
    for index, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []) and "var fast = false;" in cell.source:
            notebook.cells.insert(index + 1, nbformat.v4.new_code_cell("fast = true;", metadata={"tags": ["injected-parameters"]}))
            return


def peak_memory(client):
    """The most memory that the kernel's process and its children held at once, in MiB; 0 where the system does not tell."""
    total = 0
    try:
        parent = client.km.provisioner.process.pid
        ids = [parent]
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with open(f"/proc/{entry}/stat") as file:
                    if int(file.read().rsplit(")", 1)[1].split()[1]) in ids:
                        ids.append(int(entry))
        for id in ids:
            with open(f"/proc/{id}/status") as file:
                total = max(total, next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0))
    except (OSError, AttributeError):
        pass
    return total // 1024


def run(kernel, path, output):
    notebook = nbformat.read(path, as_version=4)
    use_fast_mode(notebook)
    client = NotebookClient(notebook, timeout=1800, startup_timeout=900, kernel_name=kernel, resources={"metadata": {"path": os.path.dirname(path)}})
    memory = 0
    problem = None
    start = time.monotonic()
    try:
        with client.setup_kernel():
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            memory = peak_memory(client)
    except (CellExecutionError, DeadKernelError, TimeoutError) as error:
        problem = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start
    nbformat.write(notebook, os.path.join(output, os.path.basename(path)))
    warnings = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
    if problem is None and warnings:
        problem = "wrote to standard error: " + warnings[0].text
    print(f"{os.path.basename(path):32} {'failed' if problem else 'ok':8} {seconds:6.1f} s {memory:6} MiB", flush=True)
    if problem:
        print(problem, flush=True)
    return problem is None


if __name__ == "__main__":
    kernel, output, *paths = sys.argv[1:]
    os.makedirs(output, exist_ok=True)
    sys.exit(sum(not run(kernel, os.path.abspath(path), output) for path in paths))
