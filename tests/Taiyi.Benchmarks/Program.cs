using System.CommandLine;
using Taiyi.Benchmarks;
using Taiyi.Native;
using static TorchSharp.torch;

NativeLibraryResolver.Register();

Option<string?> peer = new("--peer") { Description = "Folder with the reference's unpacked TorchScript graphs (see README.md); ours alone if absent" };
Option<string> dtype = new("--dtype") { Description = "float32 or bfloat16", DefaultValueFactory = _ => "float32" };
Option<int> rounds = new("--rounds") { Description = "Counted rounds of each pair", DefaultValueFactory = _ => 3 };

Command networks = new("networks", "One call of each network at full size") { peer, dtype, rounds };
networks.SetAction(parsed => new NetworkBenchmark(parsed.GetValue(peer), Enum.Parse<ScalarType>(parsed.GetValue(dtype)!, ignoreCase: true), parsed.GetValue(rounds)).Run());

return new RootCommand("Times this library beside the reference's own graphs, in one process") { networks }.Parse(args).Invoke();
