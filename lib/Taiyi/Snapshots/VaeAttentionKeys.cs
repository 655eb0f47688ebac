namespace Taiyi.Snapshots;

/// <summary>Names of the VAE's mid-block attention: those before diffusers 0.15, and the current ones.</summary>
internal static class VaeAttentionKeys
{
    private static readonly (string Old, string Now)[] Renames =
        [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];

    /// <summary>The current name for a name of either kind.</summary>
    public static string Rename(string name) => name.Contains(".mid_block.attentions.")
        ? Renames.Aggregate(name, (renamed, pair) => renamed.Replace(pair.Old, pair.Now))
        : name;
}
