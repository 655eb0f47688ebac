using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// Adds to a cell's text what keeps the process alive and interruptible: a check for interrupts in loops and function bodies,
/// a probe of the stack in lambdas and local functions.
/// </summary>
/// <remarks>
/// The compiler's own stack probes cover methods and types but not the statements of a script and the functions inside them.
/// Its cancellation checks are not used: in an async method they throw outside of the method's task and end the process.
/// No line is added, so the lines of a stack trace stay those of the cell.
/// </remarks>
internal sealed class CellInstrumentation : CSharpSyntaxWalker
{
    private const string Check = "global::Taiyi.Kernel.Engine.CellGuard.Check();";
    private const string Probe = "global::System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();";

    private readonly List<TextChange> _changes = [];
    private readonly Lazy<SemanticModel> _model;

    private CellInstrumentation(Lazy<SemanticModel> model) => _model = model;

    /// <summary>The cell's text with the checks in it; the same text when it has neither loop nor function.</summary>
    public static string Apply(SyntaxTree tree, Func<SemanticModel> model)
    {
        CellInstrumentation walker = new(new Lazy<SemanticModel>(model));
        walker.Visit(tree.GetRoot());
        string text = tree.ToString();
        StringBuilder result = new(text.Length + 256);
        int position = 0;
        foreach (TextChange change in walker._changes.OrderBy(change => change.Span.Start))
        {
            result.Append(text, position, change.Span.Start - position).Append(change.NewText);
            position = change.Span.End;
        }

        return result.Append(text, position, text.Length - position).ToString();
    }

    public override void VisitWhileStatement(WhileStatementSyntax node)
    {
        GuardLoop(node.Statement);
        base.VisitWhileStatement(node);
    }

    public override void VisitDoStatement(DoStatementSyntax node)
    {
        GuardLoop(node.Statement);
        base.VisitDoStatement(node);
    }

    public override void VisitForStatement(ForStatementSyntax node)
    {
        GuardLoop(node.Statement);
        base.VisitForStatement(node);
    }

    public override void VisitForEachStatement(ForEachStatementSyntax node)
    {
        GuardLoop(node.Statement);
        base.VisitForEachStatement(node);
    }

    public override void VisitForEachVariableStatement(ForEachVariableStatementSyntax node)
    {
        GuardLoop(node.Statement);
        base.VisitForEachVariableStatement(node);
    }

    public override void VisitMethodDeclaration(MethodDeclarationSyntax node)
    {
        GuardBlock(node.Body, Check);
        base.VisitMethodDeclaration(node);
    }

    public override void VisitLocalFunctionStatement(LocalFunctionStatementSyntax node)
    {
        GuardBlock(node.Body, Probe + Check);
        if (node.ExpressionBody is { Expression: not (RefExpressionSyntax or ThrowExpressionSyntax) } body && !node.SemicolonToken.IsMissing)
        {
            bool returnsNothing = node.ReturnType is PredefinedTypeSyntax { Keyword.RawKind: (int)SyntaxKind.VoidKeyword }
                || (node.Modifiers.Any(SyntaxKind.AsyncKeyword) && node.ReturnType is IdentifierNameSyntax or QualifiedNameSyntax { Right: IdentifierNameSyntax });
            _changes.Add(new TextChange(body.ArrowToken.Span, "{" + Probe + (returnsNothing ? "" : "return ")));
            _changes.Add(new TextChange(node.SemicolonToken.Span, ";}"));
        }

        base.VisitLocalFunctionStatement(node);
    }

    public override void VisitAnonymousMethodExpression(AnonymousMethodExpressionSyntax node)
    {
        GuardBlock(node.Block, Probe + Check);
        base.VisitAnonymousMethodExpression(node);
    }

    public override void VisitSimpleLambdaExpression(SimpleLambdaExpressionSyntax node)
    {
        GuardLambda(node);
        base.VisitSimpleLambdaExpression(node);
    }

    public override void VisitParenthesizedLambdaExpression(ParenthesizedLambdaExpressionSyntax node)
    {
        GuardLambda(node);
        base.VisitParenthesizedLambdaExpression(node);
    }

    private void GuardLoop(StatementSyntax body)
    {
        if (body is BlockSyntax block)
        {
            GuardBlock(block, Check);
        }
        else if (!body.IsMissing)
        {
            Insert(body.SpanStart, "{" + Check);
            Insert(body.Span.End, "}");
        }
    }

    private void GuardBlock(BlockSyntax? block, string guard)
    {
        if (block is { OpenBraceToken.IsMissing: false })
        {
            Insert(block.OpenBraceToken.Span.End, guard);
        }
    }

    private void GuardLambda(LambdaExpressionSyntax lambda)
    {
        GuardBlock(lambda.Block, Probe + Check);
        if (lambda.ExpressionBody is { } body and not (RefExpressionSyntax or ThrowExpressionSyntax) && CanRecurse(lambda, body) && ReturnKind(lambda) is { } keyword)
        {
            Insert(body.SpanStart, "{" + Probe + keyword);
            Insert(body.Span.End, ";}");
        }
    }

    // Inside a declared method the compiler's own probe is at work; without a call there is nothing to recurse into.
    private static bool CanRecurse(LambdaExpressionSyntax lambda, ExpressionSyntax body) =>
        !lambda.Ancestors().Any(node => node is BaseMethodDeclarationSyntax or BaseTypeDeclarationSyntax or BasePropertyDeclarationSyntax)
        && body.DescendantNodesAndSelf().OfType<InvocationExpressionSyntax>().Any();

    // A block body is the same function as an expression body once it is known whether it returns; an expression tree must stay one.
    private string? ReturnKind(LambdaExpressionSyntax lambda)
    {
        bool isExpressionTree = lambda.AncestorsAndSelf().OfType<LambdaExpressionSyntax>()
            .Any(outer => _model.Value.GetTypeInfo(outer).ConvertedType is not { TypeKind: TypeKind.Delegate });
        if (isExpressionTree || _model.Value.GetSymbolInfo(lambda).Symbol is not IMethodSymbol function)
        {
            return null;
        }

        bool returnsNothing = function.ReturnsVoid || (function.IsAsync && function.ReturnType is INamedTypeSymbol { IsGenericType: false });
        return returnsNothing ? "" : "return ";
    }

    private void Insert(int position, string text) => _changes.Add(new TextChange(new TextSpan(position, 0), text));
}
