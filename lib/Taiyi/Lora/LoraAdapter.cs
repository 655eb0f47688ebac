using Taiyi.Files;
using Taiyi.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// One LoRA on one UNet: a <see cref="LoraLayer"/> beside each target module, h = W x + w (α / r) B A x,
/// arXiv 2106.09685 eq. (3), with the user's weight w; DoRA where the file has magnitudes (<see cref="LoraLayer.WeightChange"/>).
/// </summary>
/// <remarks>
/// The base weights are neither copied nor changed: each layer hangs on its module as a forward hook. Any number of adapters
/// may share a UNet; their updates add up. Move the UNet to its device before an adapter is put on it.
/// </remarks>
public sealed class LoraAdapter : IDisposable
{
    private readonly SortedDictionary<string, LoraLayer> _layers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WeightedLayer> _modules = [];
    private readonly List<Action> _removeHooks = [];

    private LoraAdapter(LoraConfig config, IReadOnlyList<string> unmatchedKeys, IReadOnlyList<string> warnings)
    {
        Warnings = warnings;
        Config = config;
        UnmatchedKeys = unmatchedKeys;
    }

    /// <summary>Rank, alpha, dropout and targets; of a loaded file, what the file says.</summary>
    public LoraConfig Config { get; }

    /// <summary>What to call it among others: the name of its file, or of the folder if the file has the usual name; "" without a file.</summary>
    public string Name { get; internal set; } = "";

    /// <summary>The layers by the path of their module, in ordinal order.</summary>
    public IReadOnlyDictionary<string, LoraLayer> Layers => _layers;

    /// <summary>A and B of every layer, in the order of <see cref="Layers"/>: what an optimizer trains.</summary>
    public IReadOnlyList<Parameter> Parameters => [.. _layers.Values.SelectMany(layer => new[] { layer.A, layer.B })];

    /// <summary>Keys of the loaded file that fit nothing in this UNet, such as a text encoder's; tell the user.</summary>
    public IReadOnlyList<string> UnmatchedKeys { get; }

    /// <summary>What the loaded file left open, as <see cref="LoraFile.Warnings"/>; tell the user.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>w: 1 is the style as it was trained, 0 none of it; may be changed between two calls. Not used while merged.</summary>
    public double Weight
    {
        get;
        set
        {
            field = value;
            MarkChanged();
        }
    } = 1;

    /// <summary>Whether the UNet's output includes this adapter; may be changed between two calls. Not used while merged.</summary>
    public bool Enabled
    {
        get;
        set
        {
            field = value;
            MarkChanged();
        }
    } = true;

    /// <summary>Whether the update is added into the UNet's weights.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>
    /// Puts a new adapter on a UNet, ready to be trained: the UNet's own parameters are frozen, A and B have gradients, and
    /// the output is unchanged until the first optimizer step.
    /// </summary>
    /// <param name="unet">The network, on its device.</param>
    /// <param name="config">Rank, alpha, dropout, and which modules.</param>
    /// <param name="generator">A CPU generator that draws every A, module after module in ordinal order of their paths.</param>
    /// <returns>The adapter; disposing of it takes it off again.</returns>
    /// <exception cref="ArgumentException">A value of the config is out of range, or no module is a target.</exception>
    public static LoraAdapter Inject(nn.Module unet, LoraConfig config, Generator generator)
    {
        config.Validate();
        SortedDictionary<string, WeightedLayer> modules = LoraTargets.Find(unet);
        string[] targets = [.. modules.Keys.Where(config.Matches)];
        if (targets.Length == 0)
        {
            throw new ArgumentException(
                $"No module of the UNet ends in {string.Join(", ", config.TargetModules)}; its modules are such as {string.Join(", ", modules.Keys.Where(new LoraConfig().Matches).Take(3))}, or conv1 and conv2 of its resnets.");
        }

        foreach (Parameter parameter in unet.parameters())
        {
            parameter.requires_grad = false;
        }

        LoraAdapter adapter = new(config, [], []);
        foreach (string path in targets)
        {
            (long stride, long padding) = LoraTargets.Window(modules[path]);
            adapter.Attach(path, modules[path], LoraLayer.Create(modules[path].Weight, config, generator, stride, padding));
        }

        return adapter;
    }

    /// <summary>Reads a LoRA file of any known format and puts it on a UNet, without gradients.</summary>
    /// <param name="unet">The network, on its device.</param>
    /// <param name="path">The file, or the folder that holds it.</param>
    /// <param name="weight">w.</param>
    /// <returns>The adapter; disposing of it takes it off again.</returns>
    /// <exception cref="CheckpointException">The file is no LoRA, or one of another base model.</exception>
    public static LoraAdapter Load(nn.Module unet, string path, double weight = 1)
    {
        using LoraFile file = LoraFile.Read(path, (unet as UNet2DConditionModel)?.Config);
        return Load(unet, file, weight);
    }

    /// <summary>Puts an open LoRA file on a UNet, without gradients.</summary>
    /// <param name="unet">The network, on its device.</param>
    /// <param name="file">The file; its matrices are copied.</param>
    /// <param name="weight">w.</param>
    /// <returns>The adapter; disposing of it takes it off again.</returns>
    /// <exception cref="CheckpointException">No key fits, or a matrix has the shape of another base model.</exception>
    public static LoraAdapter Load(nn.Module unet, LoraFile file, double weight = 1)
    {
        SortedDictionary<string, WeightedLayer> modules = LoraTargets.Find(unet);
        (string Path, LoraMatrices Matrices)[] fitting = [.. file.Modules.Where(m => modules.ContainsKey(m.Key)).Select(m => (m.Key, m.Value))];
        if (fitting.Length == 0)
        {
            throw new CheckpointException(
                $"No key of the LoRA '{file.Path}' fits this UNet: it changes such as '{file.Modules.Values.First().DownKey}'. It was made for another kind of model.");
        }

        // All shapes are compared before the first layer is attached: a refused file leaves the UNet as it was.
        foreach ((string path, LoraMatrices matrices) in fitting)
        {
            LoraTargets.RefuseOtherBase(file.Path, path, matrices, modules[path].Weight.shape);
        }

        IEnumerable<string> unfit = file.Modules.Where(m => !modules.ContainsKey(m.Key)).SelectMany(m => new[] { m.Value.DownKey, m.Value.UpKey });
        LoraAdapter adapter = new(file.Config, [.. file.UnmatchedKeys, .. unfit], file.Warnings) { Weight = weight };
        foreach ((string path, LoraMatrices matrices) in fitting)
        {
            adapter.Attach(path, modules[path], LoraLayer.FromMatrices(modules[path], matrices));
        }

        return adapter;
    }

    /// <summary>Copies the matrices of a file into this adapter's layers, which keep their gradients: to train on.</summary>
    /// <param name="file">A LoRA of the same modules and ranks.</param>
    /// <exception cref="CheckpointException">The file has other modules, ranks, alphas or shapes.</exception>
    public void CopyFrom(LoraFile file)
    {
        string? odd = file.Modules.Keys.Except(_layers.Keys).Concat(_layers.Keys.Except(file.Modules.Keys)).FirstOrDefault();
        if (odd is not null)
        {
            throw new CheckpointException(
                $"The LoRA '{file.Path}' has other modules than the adapter: '{odd}' is in one of the two only. Use the target modules of the file.");
        }

        foreach ((string path, LoraLayer layer) in _layers)
        {
            LoraMatrices matrices = file.Modules[path];
            if (matrices.Magnitude is not null)
            {
                throw new CheckpointException(
                    $"The LoRA '{file.Path}' is a DoRA at '{path}', and training goes on from LoRA alone: merge it into the model (taiyi lora merge) and train a new one on that.");
            }

            if (matrices.Rank != layer.Rank || matrices.Alpha != layer.Alpha)
            {
                throw new CheckpointException(
                    $"The LoRA '{file.Path}' has rank {matrices.Rank} and alpha {matrices.Alpha} at '{path}', the adapter {layer.Rank} and {layer.Alpha}: use those of the file.");
            }

            LoraTargets.RefuseOtherBase(file.Path, path, matrices, _modules[path].Weight.shape);
        }

        using IDisposable noGrad = no_grad();
        foreach ((string path, LoraLayer layer) in _layers)
        {
            using Tensor down = file.Modules[path].Down.reshape(layer.A.shape), up = file.Modules[path].Up.reshape(layer.B.shape);
            layer.A.copy_(down);
            layer.B.copy_(up);
        }

        MarkChanged();
    }

    /// <summary>Training mode for one forward and backward pass: dropout acts, with masks fixed by the two numbers.</summary>
    /// <param name="seed">The training's seed.</param>
    /// <param name="step">Number of this pass in the training: another number gives other masks.</param>
    /// <param name="rows">Places in the whole batch of the pictures that the pass computes; null for 0, 1, 2, …</param>
    /// <remarks>A picture's masks follow from its place in the batch, not from what is computed beside it. A resumed training, and a forward pass recomputed for gradient checkpointing, meet the same masks again.</remarks>
    public void Train(long seed, long step, IReadOnlyList<long>? rows = null)
    {
        Seed state = (new Seed(seed).Next() + step).Next();
        foreach (LoraLayer layer in _layers.Values)
        {
            layer.DropoutSeed = state = state.Next();
            layer.DropoutRows = rows;
        }
    }

    /// <summary>Inference mode, as after construction: no dropout.</summary>
    public void Eval()
    {
        foreach (LoraLayer layer in _layers.Values)
        {
            layer.DropoutSeed = null;
        }
    }

    /// <summary>Adds w (α / r) B A, or DoRA's change, into the UNet's weights, which makes the adapter free of cost; undone by <see cref="Unmerge"/>.</summary>
    /// <remarks>A copy of the changed weights is kept for <see cref="Unmerge"/>: in the full model about 0.4 GB in float32.</remarks>
    /// <exception cref="InvalidOperationException">The adapter is merged already, or was removed.</exception>
    public void Merge()
    {
        if (IsMerged || _removeHooks.Count == 0)
        {
            throw new InvalidOperationException(IsMerged ? "The adapter is merged already: call Unmerge first." : "The adapter was removed from its UNet.");
        }

        foreach ((string path, LoraLayer layer) in _layers)
        {
            MergedWeight.Add(_modules[path], layer, Weight);
        }

        IsMerged = true;
        MarkChanged();
    }

    /// <summary>Takes the update out of the UNet's weights; without another merged adapter their bits are the original ones.</summary>
    public void Unmerge()
    {
        foreach ((string path, LoraLayer layer) in _layers)
        {
            MergedWeight.Remove(_modules[path], layer);
        }

        IsMerged = false;
        MarkChanged();
    }

    /// <summary>Takes the adapter off the UNet, unmerged if need be. Its layers remain, to be written to a file.</summary>
    public void Remove()
    {
        Unmerge();
        _removeHooks.ForEach(remove => remove());
        _removeHooks.Clear();
        MarkChanged();
    }

    /// <summary>Takes the adapter off the UNet and frees its layers.</summary>
    public void Dispose()
    {
        Remove();
        foreach (LoraLayer layer in _layers.Values)
        {
            layer.Dispose();
        }
    }

    private void Attach(string path, WeightedLayer module, LoraLayer layer)
    {
        _layers.Add(path, layer);
        _modules.Add(path, module);
        var hook = module.register_forward_hook((_, input, output) => Add(layer, module, input, output));
        module.Adapters++;
        _removeHooks.Add(() =>
        {
            hook.remove();
            module.Adapters--;
        });
        module.Revision++;
    }

    // What a ContextCache remembers of the layers is out of date.
    private void MarkChanged()
    {
        foreach (WeightedLayer module in _modules.Values)
        {
            module.Revision++;
        }
    }

    // In place: the sum is rounded once, to the dtype of the base, and the base's output needs no second buffer.
    private Tensor Add(LoraLayer layer, WeightedLayer module, Tensor input, Tensor output)
    {
        if (IsMerged || !Enabled || Weight == 0)
        {
            return output;
        }

        using Tensor update = layer.Forward(input, Weight, module);
        return output.add_(update);
    }
}
