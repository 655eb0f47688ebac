using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Taiyi.Files;

/// <summary>A function that a pickle may name: it takes the arguments of REDUCE and returns the object built from them.</summary>
internal delegate object? PickleFunction(object?[] arguments);

/// <summary>
/// The part of Python's pickle machine (protocols 2 to 5) that state dicts use. Plain values become <see cref="string"/>,
/// <see cref="long"/>, <see cref="BigInteger"/>, <see cref="double"/>, <see cref="bool"/>, <c>null</c>,
/// <c>object?[]</c> for a tuple, <see cref="List{T}"/>, <see cref="OrderedDictionary{TKey, TValue}"/>, and everything else a
/// <see cref="PickleObject"/>.
/// </summary>
/// <remarks>
/// Python would import and call whatever a pickle names. Here a name is only a key of the table that the caller gives, and any
/// other name gives an inert placeholder, as do calls to it; attributes set on it are ignored. Nothing from the file is ever executed.
/// Opcodes: <c>https://github.com/python/cpython/blob/main/Lib/pickletools.py</c>.
/// </remarks>
/// <param name="bytes">The pickle.</param>
/// <param name="globals">What each known <c>module name</c> stands for: a <see cref="PickleFunction"/> or a value.</param>
/// <param name="persistentLoad">Resolves BINPERSID: the reference to something stored beside the pickle.</param>
internal sealed class PickleReader(byte[] bytes, IReadOnlyDictionary<string, object> globals, Func<object?, object> persistentLoad)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Python's dictionaries may have the key None, .NET's may not.
    private static readonly PickleObject NoneKey = new("builtins None");

    private readonly Stack<List<object?>> _marked = [];
    private readonly Dictionary<long, object?> _memo = [];
    private List<object?> _stack = [];
    private int _position;

    /// <summary>Runs the pickle to its STOP and returns the object it describes.</summary>
    /// <exception cref="InvalidDataException">The pickle is malformed.</exception>
    public object? Read()
    {
        while (true)
        {
            byte opcode = Take(1)[0];
            if (opcode == '.') // STOP
            {
                return Pop();
            }

            if (!ReadValue(opcode) && !Build(opcode))
            {
                throw Malformed($"opcode 0x{opcode:x2} is none that a state dict needs");
            }
        }
    }

    /// <summary>Opcodes that push a value of their own, or only change the marks and the memo.</summary>
    private bool ReadValue(byte opcode)
    {
        switch ((char)opcode)
        {
            case '\x80': Take(1); return true; // PROTO
            case '\x95': Take(8); return true; // FRAME: a hint for readers of streams
            case '(': _marked.Push(_stack); _stack = []; return true; // MARK
            case 'N': return Push(null); // NONE
            case '\x88': return Push(true); // NEWTRUE
            case '\x89': return Push(false); // NEWFALSE
            case 'K': return Push((long)Take(1)[0]); // BININT1
            case 'M': return Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); // BININT2
            case 'J': return Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); // BININT
            case '\x8a': return PushInteger(new BigInteger(Take(Take(1)[0]))); // LONG1
            case '\x8b': return PushInteger(new BigInteger(Take(Length4()))); // LONG4
            case 'G': return Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); // BINFLOAT
            case 'X': return Push(Text(Take(Length4()))); // BINUNICODE
            case '\x8c': return Push(Text(Take(Take(1)[0]))); // SHORT_BINUNICODE
            case '\x8d': return Push(Text(Take(Length8()))); // BINUNICODE8
            case 'C': return PushBytes(Take(1)[0]); // SHORT_BINBYTES
            case 'B': return PushBytes(Length4()); // BINBYTES
            case '\x8e' or '\x96': return PushBytes(Length8()); // BINBYTES8, BYTEARRAY8
            case 'U': return PushBytes(Take(1)[0]); // SHORT_BINSTRING: bytes of Python 2
            case 'T': return PushBytes(Length4()); // BINSTRING
            case '\x8f': return Push(new PickleObject("builtins set")); // EMPTY_SET
            case '2': return Push(Top()); // DUP
            case '0': Pop(); return true; // POP
            case '1': PopToMark(); return true; // POP_MARK
            case ')': return Push(Array.Empty<object?>()); // EMPTY_TUPLE
            case ']': return Push(new List<object?>()); // EMPTY_LIST
            case '}': return Push(new OrderedDictionary<object, object?>()); // EMPTY_DICT
            case 'c': return Push(Global(Line(), Line())); // GLOBAL
            case 'q': _memo[Take(1)[0]] = Top(); return true; // BINPUT
            case 'r': _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); return true; // LONG_BINPUT
            case '\x94': _memo[_memo.Count] = Top(); return true; // MEMOIZE
            case 'h': return Push(Recall(Take(1)[0])); // BINGET
            case 'j': return Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); // LONG_BINGET
            default: return false;
        }
    }

    /// <summary>Opcodes that put values of the stack together.</summary>
    private bool Build(byte opcode)
    {
        switch ((char)opcode)
        {
            case 't': return Push(PopToMark().ToArray()); // TUPLE
            case '\x85': return Push(PopTuple(1)); // TUPLE1
            case '\x86': return Push(PopTuple(2)); // TUPLE2
            case '\x87': return Push(PopTuple(3)); // TUPLE3
            case 'a': Append([Pop()]); return true; // APPEND
            case 'e': Append(PopToMark()); return true; // APPENDS
            case 's': SetItems(PopTuple(2)); return true; // SETITEM
            case 'u': SetItems(PopToMark()); return true; // SETITEMS
            case '\x93': return Push(StackGlobal(PopTuple(2))); // STACK_GLOBAL
            case 'Q': return Push(persistentLoad(Pop())); // BINPERSID
            case 'R': return Push(Reduce(PopTuple(2))); // REDUCE
            case '\x81': return Push(Reduce(PopTuple(2))); // NEWOBJ
            case '\x92': PopTuple(1); return Push(Reduce(PopTuple(2))); // NEWOBJ_EX, whose keywords come last
            case '\x90': PopToMark(); _ = Top<PickleObject>(); return true; // ADDITEMS
            case '\x91': PopToMark(); return Push(new PickleObject("builtins frozenset")); // FROZENSET
            case 'b': SetState(Pop()); return true; // BUILD
            default: return false;
        }
    }

    private object Global(string module, string name) => globals.TryGetValue($"{module} {name}", out object? value)
        ? value
        : new PickleObject($"{module} {name}");

    private object StackGlobal(object?[] names) => names is [string module, string name]
        ? Global(module, name)
        : throw Malformed("STACK_GLOBAL has no two names");

    private object? Reduce(object?[] call) => call switch
    {
        [PickleFunction function, object?[] arguments] => function(arguments),
        [PickleObject unknown, object?[]] => new PickleObject(unknown.Name),
        _ => throw Malformed("REDUCE has no function and tuple"),
    };

    private void Append(List<object?> items)
    {
        if (Top() is not PickleObject)
        {
            Top<List<object?>>().AddRange(items);
        }
    }

    private void SetItems(IReadOnlyList<object?> items)
    {
        if (items.Count % 2 != 0)
        {
            throw Malformed("SETITEMS has a key without a value");
        }

        if (Top() is PickleObject)
        {
            return;
        }

        var dictionary = Top<OrderedDictionary<object, object?>>();
        for (int i = 0; i < items.Count; i += 2)
        {
            dictionary[items[i] ?? NoneKey] = items[i + 1];
        }
    }

    /// <summary>
    /// A state dict carries attributes such as <c>_metadata</c>, which hold no tensor; a ParameterDict of torch before 1.12 has its
    /// entries in <c>_parameters</c>.
    /// </summary>
    private void SetState(object? state)
    {
        if (Top() is PickleObject)
        {
            return;
        }

        var dictionary = Top<OrderedDictionary<object, object?>>();
        if (state is not OrderedDictionary<object, object?> attributes)
        {
            throw Malformed("BUILD has no dictionary of attributes");
        }

        if (attributes.TryGetValue("_parameters", out object? value) && value is OrderedDictionary<object, object?> parameters)
        {
            foreach ((object key, object? parameter) in parameters)
            {
                dictionary[key] = parameter;
            }
        }
    }

    private bool Push(object? value)
    {
        _stack.Add(value);
        return true;
    }

    // No tensor is made of bytes: they are left unread.
    private bool PushBytes(int count)
    {
        Take(count);
        return Push(new PickleObject("builtins bytes"));
    }

    private bool PushInteger(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? Push((long)value) : Push(value);

    private object? Pop()
    {
        object? top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private object?[] PopTuple(int count)
    {
        if (_stack.Count < count)
        {
            throw Malformed("the stack is empty");
        }

        object?[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    private List<object?> PopToMark()
    {
        List<object?> items = _stack;
        _stack = _marked.TryPop(out List<object?>? below) ? below : throw Malformed("there is no mark");
        return items;
    }

    private object? Top() => _stack.Count > 0 ? _stack[^1] : throw Malformed("the stack is empty");

    private T Top<T>() => Top() is T top
        ? top
        : throw Malformed($"the stack holds {Top()?.GetType().Name ?? "None"}, not {typeof(T).Name}");

    private object? Recall(long index) => _memo.TryGetValue(index, out object? value)
        ? value
        : throw Malformed($"nothing was stored under {index}");

    private int Length4()
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
        return length <= int.MaxValue ? (int)length : throw Malformed($"a text of {length} bytes begins");
    }

    private int Length8()
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return length <= int.MaxValue ? (int)length : throw Malformed($"{length} bytes begin");
    }

    private string Text(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            throw Malformed("a text is not UTF-8");
        }
    }

    private string Line()
    {
        int length = bytes.AsSpan(_position).IndexOf((byte)'\n');
        string line = Text(Take(length >= 0 ? length : throw Malformed("a name has no end")));
        _position++;
        return line;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - _position)
        {
            throw Malformed("it ends too early");
        }

        _position += count;
        return bytes.AsSpan(_position - count, count);
    }

    private InvalidDataException Malformed(string what) => new($"its pickle is malformed at byte {_position} of {bytes.Length}: {what}");
}
