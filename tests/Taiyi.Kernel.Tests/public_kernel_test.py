"""Jupyter's own test of kernels (jupyter_kernel_test), of this repository's kernel or another C# one.

    /usr/bin/python3 tests/Taiyi.Kernel.Tests/public_kernel_test.py [KERNEL]

KERNEL is the name of an installed kernelspec, taiyi-csharp if it is left out. Debian: python3-jupyter-kernel-test.
Its waits are short (0.1 s for an output), so run it on an idle machine; it is no part of the test command for that reason.
"""
import sys
import unittest

import jupyter_kernel_test


class CSharpKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "taiyi-csharp"
    language_name = "C#"
    file_extension = ".cs"
    code_hello_world = 'Console.WriteLine("hello, world");'
    code_stderr = 'Console.Error.WriteLine("oh no");'
    code_generate_error = 'throw new InvalidOperationException("no");'
    code_execute_result = [{"code": "6 * 7", "result": "42"}, {"code": 'string.Join("", "abc".Reverse())', "result": "cba"}]
    code_display_data = [{"code": 'display(HTML("<b>bold</b>"));', "mime": "text/html"}]
    code_clear_output = 'Console.Write("gone"); ClearOutput();'
    code_inspect_sample = "Console"
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    completion_samples = [{"text": "Console.WriteL", "matches": {"WriteLine"}}, {"text": "Math.Cbr", "matches": {"Cbrt"}}]
    complete_code_samples = ["1 + 1", "var x = 1;", "int Twice(int n) => 2 * n;"]
    incomplete_code_samples = ["for (var i = 0; i < 3; i++) {", "int Twice(int n)\n{"]
    invalid_code_samples = ["var = ;"]


if __name__ == "__main__":
    unittest.main()
