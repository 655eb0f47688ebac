using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Taiyi.Training;

/// <summary>What the processes of a training tell each other before the first step.</summary>
public static class ProcessAgreement
{
    /// <summary>The text of process 0, in every process.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="text">Process 0's; another's is not used and may be null.</param>
    /// <param name="cancellationToken">Ends the waiting for the others.</param>
    public static string BroadcastText(this IProcessGroup group, string? text, CancellationToken cancellationToken = default)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(group.Rank == 0 ? text ?? "" : "");
        byte[] length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        group.Broadcast(length, cancellationToken);
        byte[] shared = group.Rank == 0 ? bytes : new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        group.Broadcast(shared, cancellationToken);
        return Encoding.UTF8.GetString(shared);
    }

    /// <summary>Makes sure that every process has what process 0 has: two that train on different data would learn neither.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="value">What has to be the same; its SHA-256 is compared.</param>
    /// <param name="what">What it is, in the plural and as the user knows it.</param>
    /// <param name="cancellationToken">Ends the waiting for the others.</param>
    /// <exception cref="TrainingException">In the process whose value differs.</exception>
    public static void RequireSame(this IProcessGroup group, string value, string what, CancellationToken cancellationToken = default)
    {
        string own = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)));
        string first = group.BroadcastText(own, cancellationToken);
        if (first != own)
        {
            throw new TrainingException(
                $"The {what} are not those of process 0 (hash {own[..8]} here, {first[..8]} there): give every process the same files, by a shared folder or by copies, and start again.");
        }
    }
}
