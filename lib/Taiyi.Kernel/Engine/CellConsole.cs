using System.Text;

namespace Taiyi.Kernel.Engine;

/// <summary>Sends <see cref="Console"/> of a running cell to its outputs, and of everything else where it went before.</summary>
internal static class CellConsole
{
    private static readonly Lock Gate = new();
    private static TextWriter? s_out;
    private static TextWriter? s_error;
    private static TextReader? s_in;

    /// <summary>Takes the console over; again when someone has set another writer since.</summary>
    public static void Install()
    {
        lock (Gate)
        {
            if (!ReferenceEquals(Console.Out, s_out))
            {
                Console.SetOut(new CellWriter("stdout", Console.Out));
                s_out = Console.Out;
            }

            if (!ReferenceEquals(Console.Error, s_error))
            {
                Console.SetError(new CellWriter("stderr", Console.Error));
                s_error = Console.Error;
            }

            if (!ReferenceEquals(Console.In, s_in))
            {
                Console.SetIn(new CellReader(Console.In));
                s_in = Console.In;
            }
        }
    }

    private sealed class CellWriter(string stream, TextWriter original) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => Write([value]);

        public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

        public override void Write(string? value) => Write(value.AsSpan());

        // One piece with its line end: two tasks that print do not tear each other's lines.
        public override void WriteLine(string? value) => Write(value + NewLine);

        public override void Write(ReadOnlySpan<char> buffer)
        {
            if (CellContext.Current is { } context)
            {
                context.Output.Write(stream, buffer);
            }
            else
            {
                original.Write(buffer);
            }
        }

        public override void Flush()
        {
            if (CellContext.Current is { } context)
            {
                context.Output.Flush();
            }
            else
            {
                original.Flush();
            }
        }
    }

    private sealed class CellReader(TextReader original) : TextReader
    {
        public override int Peek() => Source().Peek();

        public override int Read() => Source().Read();

        public override string? ReadLine() => Source().ReadLine();

        private TextReader Source() => CellContext.Current is { } context ? context.Answers() : original;
    }
}
