using System.Text.Json;
using Taiyi.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Writes and reads the state of a training: weights, optimizer, running mean, and where it stands.</summary>
/// <remarks>
/// Order, noise and dropout follow from the options' seed and the number of the step (<see cref="TrainingRandom"/>), and the learning rate from
/// the number of the step: the numbers in <c>state.json</c> beside it are for the reader.
/// </remarks>
internal static class TrainingCheckpoint
{
    private const string StateName = "state.json", WeightsName = "weights.safetensors", OptimizerName = "optimizer.safetensors", MeanName = "ema.safetensors";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Writes everything but the weights.</summary>
    /// <param name="folder">The folder; see <see cref="RunFolder.WriteCheckpoint"/>.</param>
    /// <param name="position">Where the training stands.</param>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="mean">The running mean of the weights, if there is one.</param>
    public static void Write(string folder, TrainingPosition position, AdamW optimizer, ExponentialMovingAverage? mean)
    {
        IReadOnlyList<KeyValuePair<string, Tensor>> state = optimizer.State(out Tensor stepCount);
        using (stepCount)
        {
            SafetensorsFile.Write(Path.Combine(folder, OptimizerName), state);
        }

        if (mean is not null)
        {
            SafetensorsFile.Write(Path.Combine(folder, MeanName), mean.State);
        }

        AtomicWrite.Text(Path.Combine(folder, StateName), JsonSerializer.Serialize(position, Json));
    }

    /// <summary>Takes over what <see cref="Write"/> wrote.</summary>
    /// <returns>Where the training stands.</returns>
    /// <exception cref="CheckpointException">A file is missing, damaged, or of another training.</exception>
    public static TrainingPosition Read(string folder, AdamW optimizer, ExponentialMovingAverage? mean)
    {
        TrainingPosition position = ReadPosition(Path.Combine(folder, StateName));
        using (SafetensorsFile state = SafetensorsFile.Open(Path.Combine(folder, OptimizerName)))
        {
            optimizer.Load(state);
        }

        if (mean is not null)
        {
            using SafetensorsFile means = SafetensorsFile.Open(Path.Combine(folder, MeanName));
            mean.Load(means);
        }

        return position;
    }

    /// <summary>Writes weights by their names.</summary>
    public static void WriteWeights(string folder, IEnumerable<KeyValuePair<string, Parameter>> weights) =>
        SafetensorsFile.Write(Path.Combine(folder, WeightsName), weights.Select(weight => KeyValuePair.Create(weight.Key, (Tensor)weight.Value)));

    /// <summary>Takes over what <see cref="WriteWeights"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file lacks a weight, or has it in another shape.</exception>
    public static void ReadWeights(string folder, IEnumerable<KeyValuePair<string, Parameter>> weights)
    {
        using IDisposable noGrad = no_grad();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, WeightsName));
        foreach ((string name, Parameter weight) in weights)
        {
            file.CopyTo(name, weight);
        }
    }

    private static TrainingPosition ReadPosition(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingPosition>(File.ReadAllText(path), Json) ?? throw new JsonException("it is empty");
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new CheckpointException($"'{path}' cannot be read ({error.Message}).", error);
        }
    }
}

/// <summary>Where a training stands.</summary>
/// <param name="Step">Optimizer steps taken.</param>
/// <param name="PicturesSeen">Place in the stream of pictures.</param>
/// <param name="Epoch">Passes over the data, with fraction.</param>
/// <param name="NextLearningRate">Learning rate of the next optimizer step.</param>
/// <param name="RandomSeed">The seed that order, noise, timesteps and dropout follow from, with the step.</param>
/// <param name="DataHash">Hash of the data.</param>
internal sealed record TrainingPosition(long Step, long PicturesSeen, double Epoch, double NextLearningRate, long RandomSeed, string DataHash);
