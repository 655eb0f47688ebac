using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>A step of the reference's training script around its graphs: encode picture and caption, noise, predict, backward, AdamW.</summary>
internal sealed class PeerTrainingStep : IDisposable
{
    private readonly BenchmarkModel _model;
    private readonly ScalarType _dtype;
    private readonly PeerGraph _vaeEncoder, _unet;
    private readonly PeerGraph? _textEncoder;
    private readonly TorchSharp.Modules.Parameter[] _weights;
    private readonly optim.Optimizer _optimizer;
    private readonly NoiseSchedule _schedule = new(new SchedulerConfig());

    public PeerTrainingStep(BenchmarkModel model, string folder, ScalarType dtype)
    {
        (_model, _dtype) = (model, dtype);
        _vaeEncoder = PeerGraph.Load(folder, "vae_encoder.pt", dtype)!;
        _textEncoder = dtype == float32 ? PeerGraph.Load(folder, "text_encoder.pt", dtype) : null;
        _unet = PeerGraph.Load(folder, "unet_lora.pt", dtype)!;
        _weights = [.. _unet.Trainable];
        _optimizer = optim.AdamW(_weights, lr: 1e-4);
    }

    public void Run()
    {
        using var scope = NewDisposeScope();
        (Tensor latents, Tensor context) = Encode();
        Tensor noise = randn_like(latents);
        Tensor timesteps = randint(0, 1000, [1], int64);
        Tensor noisy = _schedule.AddNoise(latents, noise, timesteps);
        _optimizer.zero_grad();
        Tensor prediction = _unet.Call(noisy.to(_dtype), timesteps, context).to(float32);
        nn.functional.mse_loss(prediction, noise).backward();
        nn.utils.clip_grad_norm_(_weights, 1);
        _optimizer.step();
    }

    private (Tensor Latents, Tensor Context) Encode()
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] moments = _vaeEncoder.Call(_model.Image(1, _dtype)).to(float32).chunk(2, dim: 1); // mean and log-variance
        Tensor latents = (moments[0] + (0.5 * moments[1]).exp() * randn_like(moments[0])) * _model.VaeConfig.ScalingFactor;
        Tensor context = _textEncoder?.Call(_model.Ids(1)) ?? _model.Context(1, _dtype);
        return (latents.MoveToOuterDisposeScope(), context.MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _unet.Dispose();
        _textEncoder?.Dispose();
        _vaeEncoder.Dispose();
    }
}
