namespace Taiyi.Lora;

/// <summary>The four ways in which tools name the tensors of a LoRA. The matrices are the same in all of them.</summary>
public enum LoraFormat
{
    /// <summary>
    /// <c>unet.&lt;path&gt;.lora.down.weight</c> (or PEFT's <c>lora_A.weight</c>), r and α as JSON in the file's metadata. What
    /// diffusers writes and this library writes by default.
    /// </summary>
    Diffusers,

    /// <summary><c>unet.&lt;attention&gt;.processor.to_q_lora.down.weight</c>: diffusers before 0.21, attention projections only.</summary>
    OldDiffusers,

    /// <summary><c>base_model.model.&lt;path&gt;.lora_A.weight</c> with <c>adapter_config.json</c> beside it.</summary>
    Peft,

    /// <summary><c>lora_unet_&lt;path_with_underscores&gt;.lora_down.weight</c> and a scalar <c>.alpha</c> a module: kohya's tools and web UIs.</summary>
    Kohya,
}
