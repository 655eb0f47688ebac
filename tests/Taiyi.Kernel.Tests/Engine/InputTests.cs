using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class InputTests
{
    [Theory]
    [InlineData("await Microsoft.DotNet.Interactive.Kernel.GetInputAsync(\"Which city?\")", "Which city?", false)]
    [InlineData("using Microsoft.DotNet.Interactive;\nawait Kernel.GetInputAsync(\"Which city?\", typeHint: \"password\")", "Which city?", true)]
    [InlineData("(await Microsoft.DotNet.Interactive.Kernel.GetPasswordAsync(\"Key?\")).GetClearTextPassword()", "Key?", true)]
    [InlineData("#!set --name city --value @input:\"Which city?\"\ncity", "Which city?", false)]
    [InlineData("#!set --value @input:city --name city\ncity", "city", false)]
    [InlineData("#!set --name city --value @input:{\"prompt\": \"Which city?\", \"type\": \"text\"}\ncity", "Which city?", false)]
    [InlineData("#!set --name city --value @password:\"Key?\"\ncity.GetClearTextPassword()", "Key?", true)]
    public async Task A_cell_asks_its_reader(string code, string prompt, bool isPassword)
    {
        Answer answer = new("上海");
        using Session session = new(input: answer);
        Assert.Equal("上海", await session.ValueOfAsync(code));
        Assert.Equal((prompt, isPassword), Assert.Single(answer.Questions));
    }

    [Fact]
    public async Task A_password_as_the_result_of_a_cell_is_not_stored_in_the_notebook()
    {
        using Session session = new(input: new Answer("secret"));
        await session.ValueOfAsync("await Microsoft.DotNet.Interactive.Kernel.GetPasswordAsync()");
        Assert.DoesNotContain(session.Outputs.OfType<ResultOutput>().SelectMany(result => result.Data.Values.Values), text => text.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_reader_the_question_is_an_error_that_says_what_to_do()
    {
        using Session session = new();
        await session.RunAsync("await Microsoft.DotNet.Interactive.Kernel.GetInputAsync(\"Which city?\")", TestContext.Current.CancellationToken);
        Assert.Contains("assign the value to a variable", session.Error!.Value, StringComparison.Ordinal);
    }

    private sealed class Answer(string line) : CellInput
    {
        public List<(string Prompt, bool IsPassword)> Questions { get; } = [];

        public override string? Ask(string prompt, bool isPassword)
        {
            Questions.Add((prompt, isPassword));
            return line;
        }
    }
}
