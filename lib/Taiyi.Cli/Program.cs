using System.CommandLine;
using Taiyi.Cli;

RootCommand root = new("Learn, train and run Chinese Stable Diffusion (Taiyi). Without --model every verb uses taiyi-mini, which ships with the repository.")
{
    GenerateCommand.Create(),
    TrainCommand.Create(),
    StyleCommand.Create(),
    TokenizeCommand.Create(),
    InfoCommand.Create(),
    PretrainCommand.Create(),
    DistillCommand.Create(),
    LoraCommands.Create(),
    ComposeCommand.Create(),
    NotebookCommand.Create(),
    KernelCommands.Create(),
};
return await root.Parse(args).InvokeAsync();
