using System.CommandLine;
using Taiyi.Cli;

return new RootCommand("Taiyi: Chinese Stable Diffusion in C#.") { KernelCommands.Create() }.Parse(args).Invoke();
