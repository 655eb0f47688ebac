using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Snapshots;

/// <summary>
/// A model on disk: a Hugging Face snapshot folder, or one checkpoint of all networks with the tokenizer's <c>vocab.txt</c> beside it.
/// Opening it reads the configs; each network is read when it is loaded.
/// </summary>
/// <remarks>
/// Weights are taken from <c>.safetensors</c> before <c>.bin</c>, and from half-precision variants only if there is no
/// other file; a network may be in several files with their index. A single checkpoint takes the configs of the folder that it lies in, and Taiyi's own where there are none.
/// </remarks>
public sealed class ModelFolder
{
    private readonly ModelFiles _files;

    private ModelFolder(string path, ModelFiles files)
    {
        _files = files;
        Path = path;
        UNetConfig = files.UNetConfig is { } unet ? UNet2DConditionConfig.FromFile(unet) : TaiyiConfigs.UNet;
        VaeConfig = files.VaeConfig is { } vae ? AutoencoderKLConfig.FromFile(vae) : TaiyiConfigs.Vae;
        TextEncoderConfig = files.TextEncoderConfig is { } bert ? BertConfig.FromFile(bert) : TaiyiConfigs.TextEncoder;
        SchedulerConfig = files.SchedulerConfig is { } scheduler ? SchedulerConfig.FromFile(scheduler) : new SchedulerConfig();
        Defaults = ModelDefaults.FromFolder(files.Folder);
    }

    /// <summary>The folder or file, as it was given.</summary>
    public string Path { get; }

    /// <summary>Sizes of the UNet.</summary>
    public UNet2DConditionConfig UNetConfig { get; }

    /// <summary>Sizes of the VAE, and its scaling factor (0.18215 where the file is silent).</summary>
    public AutoencoderKLConfig VaeConfig { get; }

    /// <summary>Sizes of the text encoder.</summary>
    public BertConfig TextEncoderConfig { get; }

    /// <summary>The noise schedule; what an old file leaves out has Taiyi's values.</summary>
    public SchedulerConfig SchedulerConfig { get; }

    /// <summary>The folder that holds <c>vocab.txt</c>.</summary>
    public string TokenizerFolder => _files.TokenizerFolder;

    /// <summary>What looks best with this model.</summary>
    public ModelDefaults Defaults { get; }

    /// <summary>Finds all parts of a model and reads its configs.</summary>
    /// <param name="path">A snapshot folder, or a single <c>.ckpt</c> or <c>.safetensors</c> file with the names of latent diffusion or of Fengshenbang's training script.</param>
    /// <exception cref="CheckpointException">
    /// There is no complete model, or a config asks for what this family does not use, or two parts do not belong together.
    /// </exception>
    public static ModelFolder Open(string path)
    {
        ModelFolder model = new(path, ModelFiles.Find(path));
        model.CheckParts();
        return model;
    }

    /// <summary>The UNet's weights under the current names; dispose of the file.</summary>
    /// <exception cref="CheckpointException">The file is malformed.</exception>
    public IStateDictFile OpenUNet() => Open(_files.UNetWeights, _ => _files.Keys?.UNet(UNetConfig) ?? (name => name));

    /// <summary>The VAE's weights under the current names, whichever its file uses; dispose of the file.</summary>
    /// <exception cref="CheckpointException">The file is malformed.</exception>
    public IStateDictFile OpenVae() => Open(_files.VaeWeights, _ => _files.Keys?.Vae(VaeConfig) ?? VaeAttentionKeys.Rename);

    /// <summary>The text encoder's weights under the names of BERT itself, without the prefix and head of a class around it; dispose of the file.</summary>
    /// <exception cref="CheckpointException">The file is malformed, or is CLIP's.</exception>
    public IStateDictFile OpenTextEncoder() => Open(_files.TextEncoderWeights, file => _files.Keys?.TextEncoder(file) ?? TextEncoderKeys.Renamer(file, ""));

    /// <summary>Builds the UNet and reads its weights.</summary>
    /// <param name="device">Where it lives; the CPU if null.</param>
    /// <param name="dtype">What its weights are kept in; float32 if null, whatever the file has.</param>
    /// <param name="cancellationToken">Ends the reading between two tensors.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="CheckpointException">The weights are malformed or do not fit the config.</exception>
    public UNet2DConditionModel LoadUNet(Device? device = null, ScalarType? dtype = null, CancellationToken cancellationToken = default) =>
        Load(OpenUNet, () => new UNet2DConditionModel(UNetConfig, device, dtype), cancellationToken);

    /// <summary>Builds the VAE and reads its weights.</summary>
    /// <inheritdoc cref="LoadUNet"/>
    public AutoencoderKL LoadVae(Device? device = null, ScalarType? dtype = null, CancellationToken cancellationToken = default) =>
        Load(OpenVae, () => new AutoencoderKL(VaeConfig, device, dtype), cancellationToken);

    /// <summary>Builds the text encoder and reads its weights.</summary>
    /// <inheritdoc cref="LoadUNet"/>
    public BertTextEncoder LoadTextEncoder(Device? device = null, ScalarType? dtype = null, CancellationToken cancellationToken = default) =>
        Load(OpenTextEncoder, () => new BertTextEncoder(TextEncoderConfig, device, dtype), cancellationToken);

    /// <summary>Reads the tokenizer; texts are cut at what it and the text encoder's positions allow.</summary>
    /// <exception cref="CheckpointException">A tokenizer file is malformed, or the text encoder has no row for an added token.</exception>
    public BertTokenizer LoadTokenizer() => BertTokenizer.FromFolder(TokenizerFolder, TextEncoderConfig.MaxPositionEmbeddings, TextEncoderConfig.VocabSize);

    private static RenamedStateDictFile Open(string path, Func<IStateDictFile, Func<string, string?>> rename)
    {
        IStateDictFile file = StateDictFile.Open(path);
        try
        {
            return new RenamedStateDictFile(file, rename(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static T Load<T>(Func<IStateDictFile> open, Func<T> build, CancellationToken cancellationToken)
        where T : nn.Module
    {
        using IStateDictFile weights = open();
        T network = build();
        try
        {
            StateDictLoader.Load(network, weights, cancellationToken);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private void CheckParts()
    {
        if (TextEncoderConfig.HiddenSize != UNetConfig.CrossAttentionDim)
        {
            throw new CheckpointException(
                $"The parts of '{Path}' do not belong together: the text encoder's hidden_size is {TextEncoderConfig.HiddenSize}, the UNet's cross_attention_dim {UNetConfig.CrossAttentionDim}. Take both from one model.");
        }

        if (VaeConfig.LatentChannels != UNetConfig.InChannels)
        {
            throw new CheckpointException(
                $"The parts of '{Path}' do not belong together: the VAE's latent_channels is {VaeConfig.LatentChannels}, the UNet's in_channels {UNetConfig.InChannels}. Take both from one model.");
        }
    }
}
