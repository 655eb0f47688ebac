using System.Xml.Linq;
using Taiyi.Data;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class TableTests
{
    private sealed record Token(string Text, int Id, double Share, bool Known);

    [Fact]
    public void Records_become_rows_and_their_properties_columns()
    {
        Table table = Table.Of([new Token("猫", 4344, 0.25, true), new Token("<b>", 7, 1.0 / 3, false)], "词元 tokens");

        XElement[] rows = [.. XElement.Parse(table.ToHtml()).Descendants("tr")];
        Assert.Equal(["Text", "Id", "Share", "Known"], rows[0].Elements().Select(cell => cell.Value));
        Assert.Equal(["<b>", "7", "0.3333", "no"], rows[2].Elements().Select(cell => cell.Value));
        Assert.Contains("text-align:right", rows[1].Elements().ElementAt(1).Attribute("style")!.Value, StringComparison.Ordinal);
        Assert.Equal("词元 tokens\nText    Id   Share  Known\n猫     4344    0.25  yes\n<b>      7  0.3333  no", table.ToText());
    }

    [Fact]
    public void Tuples_plain_values_and_pictures_have_their_place()
    {
        Assert.Equal("Item1  Item2\na          1", Table.Of([("a", 1)]).ToText());
        Assert.Equal("value\n    3", Table.Of([3]).ToText());
        Table pictures = Table.Of(["what", "picture"], [["dot", new ImageView(ImageConversion.FromBytes(1, 1, [9, 8, 7]))]]);
        Assert.Equal([9, 8, 7], Assert.Single(Samples.PicturesOf(pictures.ToHtml())).ToBytes());
        Assert.Contains("a row of 1 cells", Assert.Throws<ArgumentException>(() => Table.Of(["a", "b"], [["c"]])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_table_is_cut_and_says_how_much_is_missing()
    {
        Table table = Table.Of(Enumerable.Range(0, 203).Select(k => new { k }));

        Assert.Equal(201, XElement.Parse(table.ToHtml()).Descendants("tr").Count());
        Assert.EndsWith("… and 3 more rows", table.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_tells_its_range_and_its_first_corner()
    {
        using var scope = NewDisposeScope();
        TensorView view = new(arange(0, 16).to(float32).reshape(2, 8), "x");

        string[] lines = view.ToText().Split('\n');
        Assert.Equal("x: float32 (2, 8) on cpu, 16 values", lines[0]);
        Assert.Equal("min 0, max 15, mean 7.5, std 4.61", lines[1]); // sqrt((16^2 - 1) / 12) = 4.6098
        Assert.Equal(["8", "9", "10", "11", "12", "13", "…"], lines[3].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(14, XElement.Parse(view.ToHtml()).Descendants("td").Count());
    }

    [Fact]
    public void Broken_empty_and_integer_tensors_are_described()
    {
        using var scope = NewDisposeScope();

        Assert.Contains("min 1, max 3, mean 2, std 1, not finite 2", new TensorView(tensor([1f, 3, float.NaN, float.PositiveInfinity])).ToText(), StringComparison.Ordinal);
        Assert.Equal("float32 (0, 3) on cpu, 0 values", new TensorView(zeros(0, 3)).ToText());
        Assert.Contains("int64 () on cpu, 1 value\nmin 5, max 5, mean 5, std 0", new TensorView(tensor(5L)).ToText(), StringComparison.Ordinal);
        Assert.Contains("not finite 1", new TensorView(tensor([double.NaN])).ToText(), StringComparison.Ordinal);
        Assert.Contains("bool (2) on cpu", new TensorView(tensor([true, false])).ToText(), StringComparison.Ordinal);
        Assert.Contains("[0, 0, :, :]", new TensorView(zeros(1, 1, 2, 2)).ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_is_a_tree_whose_counts_add_up()
    {
        using var inner = Linear(3, 4); // 3 * 4 + 4 = 16
        using var model = Sequential(("first", Linear(2, 3, hasBias: false)), ("act", ReLU()), ("block", Sequential(("inner", inner)))); // 6 + 16
        inner.bias!.requires_grad = false;

        ModuleSummary summary = new(model, depth: 1, name: "net");

        Assert.Equal((22L, 18L), (summary.Parameters, summary.TrainedParameters));
        Assert.Equal(
            "net: Sequential, 22 float32\n  first: Linear weight (3, 2), 6 float32\n  act: ReLU, 0\n  block: Sequential, 16 float32\n22 parameters, 18 of them trained",
            summary.ToText());
        XElement[] folds = [.. XElement.Parse(summary.ToHtml(), LoadOptions.PreserveWhitespace).Descendants("details")];
        Assert.Equal([true, false], folds.Select(fold => fold.Attribute("open") != null));
        Assert.Contains("inner Linear weight (4, 3) bias (4)", folds[1].Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_parameters_of_a_module_are_listed_by_their_keys()
    {
        using var model = Sequential(("first", Linear(2, 3)));

        Table table = Table.OfParameters(model);

        Assert.Equal(2, table.Count);
        Assert.StartsWith("9 parameters, 9 of them trained\n", table.ToText(), StringComparison.Ordinal);
        Assert.Contains("first.weight  (3, 2)           6  float32  yes", table.ToText(), StringComparison.Ordinal);
    }
}
