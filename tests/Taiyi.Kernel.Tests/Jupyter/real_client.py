"""Drives the kernel with jupyter_client and nbclient: real_client.py KERNEL SCENARIO [ARGUMENT...] prints one JSON object.

The kernel is found through JUPYTER_PATH. What is expected stands in RealClientTests.cs.
"""
import json
import os
import signal
import sys

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

TIMEOUT = 1200  # seconds; a busy machine is slow, and waiting ends as soon as there is an answer

# A shell that starts a job in the background makes it ignore SIGINT, and the kernel would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Kernel:
    """A started kernel and its blocking client."""

    def __init__(self, name):
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code, **options):
        """Executes a cell; its reply and the IOPub messages up to idle."""
        return self.finish(self.client.execute(code, **options))

    def finish(self, msg_id):
        messages = []
        while not (messages and messages[-1]["content"].get("execution_state") == "idle"):
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") == msg_id:
                messages.append(message)
        return self.reply(msg_id), messages

    def reply(self, msg_id):
        while True:
            message = self.client.get_shell_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") == msg_id:
                return message["content"]

    def wait_for_text(self, text):
        content = {}
        while text not in content.get("text", ""):
            content = self.client.get_iopub_msg(timeout=TIMEOUT)["content"]
            if "evalue" in content:
                raise RuntimeError(content["evalue"])

    def value(self, code):
        _, messages = self.run(code)
        return [m["content"]["data"]["text/plain"] for m in messages if m["msg_type"] == "execute_result"][0]


def text_of(messages):
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def interrupt(name, how, cell):
    """Interrupts a cell that prints 'begun' and then runs long, by the control message or by SIGINT."""
    with Kernel(name) as kernel:
        kernel.run("var kept = 41;")
        msg_id = kernel.client.execute(cell)
        kernel.wait_for_text("begun")
        if how == "signal":
            os.kill(kernel.manager.provisioner.process.pid, signal.SIGINT)
        else:
            kernel.manager.interrupt_kernel()
        reply = kernel.reply(msg_id)
        return {"reply": reply, "after": kernel.value("kept + 1")}


def stop_on_error(name):
    """Queues three cells behind a failing one, twice: with and without stop_on_error."""
    with Kernel(name) as kernel:
        result = {}
        for stop in (True, False):
            ids = [kernel.client.execute("System.Threading.Thread.Sleep(300); throw new Exception(\"no\");", stop_on_error=stop)]
            ids += [kernel.client.execute(f"{i}") for i in range(3)]
            result["stop" if stop else "go on"] = [kernel.reply(i)["status"] for i in ids]
        result["later"] = kernel.run("1")[0]["status"]
        return result


def language(name):
    """Completion, documentation and completeness over the wire."""
    with Kernel(name) as kernel:
        kernel.run("var numbers = new List<int> { 3, 1, 2 };")
        code = "/* 😀 */ numbers.So"
        return {
            "complete": kernel.reply(kernel.client.complete(code)),
            "inspect": kernel.reply(kernel.client.inspect("Console.WriteLine(1)", 12)),
            "incomplete": kernel.reply(kernel.client.is_complete("for (int i = 0; i < 3; i++)\n{"))["status"],
            "complete code": kernel.reply(kernel.client.is_complete("1 + 1"))["status"],
            "history": kernel.reply(kernel.client.history(hist_access_type="tail", n=5))["history"],
        }


def thousand_cells(name):
    """1,000 cells that count upwards."""
    with Kernel(name) as kernel:
        kernel.run("int count = 0;")
        for i in range(1000):
            kernel.run("count++;" if i % 10 else f"int cell{i} = count++;")
        return {"count": kernel.value("count")}


def flood(name):
    """10 MB in lines of 100 characters."""
    with Kernel(name) as kernel:
        _, messages = kernel.run("for (int i = 0; i < 100_000; i++) Console.WriteLine(i.ToString(\"D99\"));")
        lines = text_of(messages).split("\n")
        return {
            "lines in order": lines == [f"{i:099d}" for i in range(100_000)] + [""],
            "messages": len(messages),
        }


def shutdown(name, cell):
    """Asks the kernel to end while a cell that prints 'begun' runs; the exit code of its process."""
    with Kernel(name) as kernel:
        kernel.client.execute(cell)
        kernel.wait_for_text("begun")
        kernel.client.shutdown()
        return {"exit code": kernel.manager.provisioner.process.wait(timeout=TIMEOUT)}


def orphan(name):
    """Starts a kernel and leaves without a word: its process id."""
    kernel = Kernel(name)
    print(json.dumps({"pid": kernel.manager.provisioner.process.pid}), flush=True)
    os._exit(0)


def notebook(name, source, target):
    """Executes a notebook with nbclient and writes it with its outputs."""
    document = nbformat.read(source, as_version=4)
    client = NotebookClient(document, kernel_name=name, timeout=TIMEOUT, resources={"metadata": {"path": os.path.dirname(source)}})
    error = None
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as caught:
        error = {"type": type(caught).__name__, "text": str(caught)}
    nbformat.write(document, target)
    return {"error": error, "valid": nbformat.validate(document) is None}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[2]](sys.argv[1], *sys.argv[3:])))
