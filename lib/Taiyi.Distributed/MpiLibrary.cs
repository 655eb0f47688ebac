using System.Runtime.InteropServices;
using System.Text;

namespace Taiyi.Distributed;

/// <summary>
/// The functions of an MPI library that a training needs, and its constants, which each family of libraries has its own of: Open MPI 4 and 5
/// export objects and their addresses are the handles (ompi/include/mpi.h.in); MPICH, Intel MPI and their kin have fixed numbers
/// (the MPICH ABI, src/include/mpi.h.in).
/// </summary>
/// <remarks>
/// A handle is a pointer in the one family and an int in the other. Both travel in one register, so that <c>nint</c> stands for either;
/// a request is written into a zeroed one.
/// </remarks>
internal sealed class MpiLibrary
{
    private const int Success = 0, Serialized = 2; // MPI_THREAD_SERIALIZED: calls on any thread, one at a time

    private static readonly string[] OpenMpiFiles = ["libmpi.so.40", "libmpi.40.dylib"], MpichFiles = ["libmpi.so.12", "libmpich.so.12", "libmpi.12.dylib"];

    private readonly nint _handle;
    private readonly InitThread _initThread;
    private readonly CommGet _commRank, _commSize;
    private readonly SetErrorHandler _setErrorHandler;
    private readonly StartAllReduce _startAllReduce;
    private readonly StartBroadcast _startBroadcast;
    private readonly StartBarrier _startBarrier;
    private readonly TestRequest _test;
    private readonly GetErrorText _errorText;
    private readonly FinalizeMpi _finalize;
    private readonly nint _world, _float, _byte, _sum, _errorsReturn, _inPlace, _noStatus;

    private MpiLibrary(nint handle, string name)
    {
        (_handle, Name) = (handle, name);
        _initThread = Function<InitThread>("MPI_Init_thread");
        _commRank = Function<CommGet>("MPI_Comm_rank");
        _commSize = Function<CommGet>("MPI_Comm_size");
        _setErrorHandler = Function<SetErrorHandler>("MPI_Comm_set_errhandler");
        _startAllReduce = Function<StartAllReduce>("MPI_Iallreduce");
        _startBroadcast = Function<StartBroadcast>("MPI_Ibcast");
        _startBarrier = Function<StartBarrier>("MPI_Ibarrier");
        _test = Function<TestRequest>("MPI_Test");
        _errorText = Function<GetErrorText>("MPI_Error_string");
        _finalize = Function<FinalizeMpi>("MPI_Finalize");
        if (NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out _world))
        {
            _float = NativeLibrary.GetExport(handle, "ompi_mpi_float");
            _byte = NativeLibrary.GetExport(handle, "ompi_mpi_byte");
            _sum = NativeLibrary.GetExport(handle, "ompi_mpi_op_sum");
            _errorsReturn = NativeLibrary.GetExport(handle, "ompi_mpi_errors_return");
            (_inPlace, _noStatus) = (1, 0);
        }
        else
        {
            (_world, _float, _byte, _sum, _errorsReturn, _inPlace, _noStatus) = (0x44000000, 0x4c00040a, 0x4c00010d, 0x58000003, 0x54000001, -1, 1);
        }
    }

    private delegate int InitThread(nint argc, nint argv, int required, out int provided);

    private delegate int CommGet(nint comm, out int value);

    private delegate int SetErrorHandler(nint comm, nint handler);

    private delegate int StartAllReduce(nint send, nint receive, int count, nint type, nint operation, nint comm, ref nint request);

    private delegate int StartBroadcast(nint buffer, int count, nint type, int root, nint comm, ref nint request);

    private delegate int StartBarrier(nint comm, ref nint request);

    private delegate int TestRequest(ref nint request, out int done, nint status);

    private delegate int GetErrorText(int code, byte[] text, out int length);

    private delegate int FinalizeMpi();

    /// <summary>The file that was loaded.</summary>
    public string Name { get; }

    /// <summary>Loads the library of the launcher's family, else one of the other.</summary>
    /// <exception cref="DistributedException">There is none.</exception>
    public static MpiLibrary Load(LauncherKind launcher)
    {
        string[] files = launcher == LauncherKind.Pmi ? [.. MpichFiles, .. OpenMpiFiles] : [.. OpenMpiFiles, .. MpichFiles];
        foreach (string file in files)
        {
            if (NativeLibrary.TryLoad(file, out nint handle))
            {
                return new MpiLibrary(handle, file);
            }
        }

        throw new DistributedException(
            $"Several processes were started to train together, but no MPI library is found here ({string.Join(", ", files.Where(file => file.Contains(".so")))}): install Open MPI (Debian: openmpi-bin), or name its folder in LD_LIBRARY_PATH.");
    }

    /// <summary>Begins. Errors are returned from now on, where MPI would end the process.</summary>
    /// <returns>Rank and size of the world.</returns>
    public (int Rank, int Size) Initialize()
    {
        Check(_initThread(0, 0, Serialized, out _));
        Check(_setErrorHandler(_world, _errorsReturn));
        Check(_commRank(_world, out int rank));
        Check(_commSize(_world, out int size));
        return (rank, size);
    }

    /// <summary>Begins to add up pinned floats in place.</summary>
    public nint AllReduce(nint floats, int count)
    {
        nint request = 0;
        Check(_startAllReduce(_inPlace, floats, count, _float, _sum, _world, ref request));
        return request;
    }

    /// <summary>Begins to send or receive pinned bytes of process 0.</summary>
    public nint Broadcast(nint bytes, int count)
    {
        nint request = 0;
        Check(_startBroadcast(bytes, count, _byte, 0, _world, ref request));
        return request;
    }

    /// <summary>Begins to wait for all processes.</summary>
    public nint Barrier()
    {
        nint request = 0;
        Check(_startBarrier(_world, ref request));
        return request;
    }

    /// <summary>Works on a request and tells whether it is done.</summary>
    public bool IsDone(ref nint request)
    {
        Check(_test(ref request, out int done, _noStatus));
        return done != 0;
    }

    /// <summary>Leaves the world.</summary>
    public void Leave() => Check(_finalize());

    private T Function<T>(string name)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(_handle, name));

    private void Check(int code)
    {
        if (code != Success)
        {
            byte[] text = new byte[512]; // MPI_MAX_ERROR_STRING of MPICH; Open MPI's is 256
            _ = _errorText(code, text, out int length);
            throw new DistributedException(
                $"MPI reports '{Encoding.UTF8.GetString(text, 0, length)}': another process or its machine is gone. Look at the launcher's messages, then go on with --resume.");
        }
    }
}
