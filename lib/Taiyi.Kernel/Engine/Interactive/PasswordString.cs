namespace Microsoft.DotNet.Interactive;

/// <summary>A text that shows itself as dots, so that a cell's last expression does not store it in the notebook.</summary>
/// <param name="password">The text.</param>
public sealed class PasswordString(string password)
{
    /// <summary>The text itself.</summary>
    public string GetClearTextPassword() => password;

    /// <summary>Dots, as many as the text has characters.</summary>
    public override string ToString() => new('•', password.Length);
}
