using System.Text.Json;
using Taiyi.Files;
using Taiyi.Lora;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Writes and reads the whole state of a training: LoRA, optimizer, running mean, and where it stands.</summary>
/// <remarks>
/// Order, noise and dropout follow from the options' seed and the number of the step (<see cref="TrainingRandom"/>), and the learning rate from
/// the number of the step: the numbers in <c>state.json</c> beside it are for the reader.
/// </remarks>
internal static class TrainingCheckpoint
{
    private const string StateName = "state.json", OptimizerName = "optimizer.safetensors", MeanName = "ema.safetensors";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Writes a checkpoint into a folder of its own.</summary>
    /// <param name="folder">The folder; see <see cref="RunFolder.WriteCheckpoint"/>.</param>
    /// <param name="position">Where the training stands.</param>
    /// <param name="adapter">The LoRA.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="mean">The running mean of its weights, if there is one.</param>
    public static void Write(string folder, TrainingPosition position, LoraAdapter adapter, AdamW optimizer, ExponentialMovingAverage? mean)
    {
        LoraFile.Write(Path.Combine(folder, LoraFile.DefaultFileName), adapter);
        IReadOnlyList<KeyValuePair<string, Tensor>> state = optimizer.State(out Tensor stepCount);
        using (stepCount)
        {
            SafetensorsFile.Write(Path.Combine(folder, OptimizerName), state);
        }

        if (mean is not null)
        {
            SafetensorsFile.Write(Path.Combine(folder, MeanName), mean.State);
        }

        RunFolder.WriteText(Path.Combine(folder, StateName), JsonSerializer.Serialize(position, Json));
    }

    /// <summary>Takes a checkpoint's state over into the objects of a training.</summary>
    /// <returns>Where the training stands.</returns>
    /// <exception cref="CheckpointException">A file is missing, damaged, or of another training.</exception>
    public static TrainingPosition Read(string path, LoraAdapter adapter, AdamW optimizer, ExponentialMovingAverage? mean)
    {
        string statePath = Path.Combine(path, StateName);
        TrainingPosition position;
        try
        {
            position = JsonSerializer.Deserialize<TrainingPosition>(File.ReadAllText(statePath), Json)!;
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new CheckpointException($"'{statePath}' cannot be read ({error.Message}): delete the checkpoint's folder to go on from the one before it.", error);
        }

        using (LoraFile lora = LoraFile.Read(Path.Combine(path, LoraFile.DefaultFileName)))
        {
            adapter.CopyFrom(lora);
        }

        using (SafetensorsFile state = SafetensorsFile.Open(Path.Combine(path, OptimizerName)))
        {
            optimizer.Load(state);
        }

        if (mean is not null)
        {
            using SafetensorsFile means = SafetensorsFile.Open(Path.Combine(path, MeanName));
            mean.Load(means);
        }

        return position;
    }
}

/// <summary>Where a training stands.</summary>
/// <param name="Step">Optimizer steps taken.</param>
/// <param name="PicturesSeen">Place in the stream of pictures.</param>
/// <param name="Epoch">Passes over the data, with fraction.</param>
/// <param name="NextLearningRate">Learning rate of the next optimizer step.</param>
/// <param name="RandomSeed">The seed that order, noise, timesteps and dropout follow from, with the step.</param>
/// <param name="DataHash">Hash of the encoded data.</param>
internal sealed record TrainingPosition(long Step, long PicturesSeen, double Epoch, double NextLearningRate, long RandomSeed, string DataHash);
