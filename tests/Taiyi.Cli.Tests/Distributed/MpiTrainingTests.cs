using System.Diagnostics;
using Taiyi.Training;

namespace Taiyi.Cli.Tests.Distributed;

/// <summary>Trainings over real Open MPI beside the same training in one process.</summary>
public class MpiTrainingTests
{
    private const double Relative = 1e-5; // float32, whose sums are taken in another order

    [Fact]
    public void Two_and_four_processes_have_the_losses_of_one()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        CommandResult one = CommandProcess.Run(folder.Path, TrainingFolder.Train("one", 50));
        Assert.True(one.ExitCode == 0, one.Error);

        foreach (int processes in (int[])[2, 4])
        {
            string run = $"over{processes}";
            CommandResult result = MpiRun.Run(folder.Path, processes, TrainingFolder.Train(run, 50));
            Assert.True(result.ExitCode == 0, result.Error);

            AssertSameCurve(folder.Log("one"), folder.Log(run), 50);
            // Process 0 alone speaks, and the run's folder is that of one process.
            Assert.Equal([$"{run}/pytorch_lora_weights.safetensors", $"{run}/base-and-lora.png"], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Single(result.Error.Split('\n'), line => line.Contains("step 50/50", StringComparison.Ordinal));
            Assert.Equal(FilesOf(folder.File("one")), FilesOf(folder.File(run)));
        }
    }

    [Fact]
    public void Two_hosts_have_the_losses_of_one_process_and_a_fault_names_its_host()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        CommandResult result = MpiRun.RunOnTwoHosts(folder.Path, TrainingFolder.Train("two", 50), TrainingFolder.Train("two", 50));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(0, CommandProcess.Run(folder.Path, TrainingFolder.Train("one", 50)).ExitCode);
        AssertSameCurve(folder.Log("one"), folder.Log("two"), 50);

        string[] first = TrainingFolder.Train("run", 4), second = [.. first.Select(argument => argument == "data" ? "none" : argument)];
        MpiRun.RunOnTwoHosts(folder.Path, first, second).AssertFailsWith("Process 1 of 0 to 1, on node2: There is no folder 'none'");
    }

    [Fact]
    public void A_share_may_be_larger_than_another_and_a_pass_without_pictures()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        string[] odd = ["--batch-size", "1", "--accumulate", "5"], other = ["--batch-size", "5", "--accumulate", "1"];
        Assert.Equal(0, CommandProcess.Run(folder.Path, Train("one", odd)).ExitCode);
        Assert.Equal(0, MpiRun.Run(folder.Path, 2, Train("two", odd)).ExitCode);
        Assert.Equal(0, CommandProcess.Run(folder.Path, Train("one-pass", other)).ExitCode);
        Assert.Equal(0, MpiRun.Run(folder.Path, 2, Train("two-pass", other)).ExitCode);

        AssertSameCurve(folder.Log("one"), folder.Log("two"), 8);
        AssertSameCurve(folder.Log("one-pass"), folder.Log("two-pass"), 8);

        static string[] Train(string run, string[] batch) =>
            ["train", "mine", "--model", Repository.Golden("tiny-taiyi"), "--data", "data", "--steps", "8", "--lr", "1e-3", "--dropout", "0.1", "--output", run, .. batch];
    }

    [Fact]
    public void A_killed_process_ends_all_with_a_sentence_and_another_number_of_them_goes_on()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        Assert.Equal(0, CommandProcess.Run(folder.Path, TrainingFolder.Train("one", 24)).ExitCode);
        using (MpiRun.MpiJob job = MpiRun.Start(folder.Path, (2, TrainingFolder.Train("run", 24, "--checkpoint-every", "2"))))
        {
            folder.WaitForStep(job.Process, "run", 5);
            job.Rank(1).Kill(); // SIGKILL
            job.Result().AssertFailsWith("exited on signal 9");
        }

        TrainingRun run = TrainingRun.Open(folder.File("run"));
        Assert.NotNull(run.LatestCheckpoint);
        Assert.False(File.Exists(run.LoraPath));

        CommandResult resumed = MpiRun.Run(folder.Path, 3, "train", "mine", "--output", "run", "--resume");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        AssertSameCurve(folder.Log("one"), folder.Log("run"), 24);
    }

    [Fact]
    public void Faults_of_one_process_end_all_with_one_sentence()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        folder.WritePictures("less");
        File.Delete(folder.File("less/p3.png"));
        folder.WritePictures("caption");
        File.WriteAllText(folder.File("caption/p3.txt"), "一只鸭");

        // On two machines each process has its own files; here each is told another folder.
        (string Data, string Says)[] faults = [("less", "p3"), ("caption", "are not those of process 0"), ("none", "There is no folder 'none'")];
        foreach ((string data, string says) in faults)
        {
            string[] first = TrainingFolder.Train("run-" + data, 4);
            string[] second = [.. first.Select(argument => argument == "data" ? data : argument)];
            CommandResult result = MpiRun.Run(folder.Path, (1, first), (1, second));
            result.AssertFailsWith("Process 1 of 0 to 1", says);
            Assert.Single(result.Error.Split('\n'), line => line.Contains(says, StringComparison.Ordinal));
            Assert.False(File.Exists(folder.File($"run-{data}/pytorch_lora_weights.safetensors")));
        }

        MpiRun.Run(folder.Path, 3, "train", "mine", "--model", Repository.Golden("tiny-taiyi"), "--data", "data", "--batch-size", "2", "--output", "few")
            .AssertFailsWith("A step has 2 pictures", "3 processes");
    }

    [Fact]
    public void A_full_disk_of_process_0_ends_all_with_one_sentence_and_the_last_checkpoint_whole()
    {
        MpiRun.Require();
        using TrainingFolder folder = new();
        string disk = folder.File("disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(Call("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk) == 0, "A small file system cannot be mounted here: root may.");
        try
        {
            Assert.Equal(0, CommandProcess.Run(folder.Path, TrainingFolder.Train("one", 12)).ExitCode);
            using (MpiRun.MpiJob job = MpiRun.Start(folder.Path, (2, TrainingFolder.Train("disk/run", 12, "--checkpoint-every", "1"))))
            {
                folder.WaitForStep(job.Process, "disk/run", 3);
                Fill(Path.Combine(disk, "filler"));
                CommandResult full = job.Result();
                full.AssertFailsWith("No space left on device");
                Assert.Single(full.Error.Split('\n'), line => line.Contains("No space left on device", StringComparison.Ordinal));
            }

            File.Delete(Path.Combine(disk, "filler"));
            CommandResult resumed = MpiRun.Run(folder.Path, 2, "train", "mine", "--output", "disk/run", "--resume");
            Assert.True(resumed.ExitCode == 0, resumed.Error);
            AssertSameCurve(folder.Log("one"), folder.Log("disk/run"), 12);
        }
        finally
        {
            Assert.Equal(0, Call("umount", disk));
        }
    }

    private static void Fill(string path)
    {
        try
        {
            using FileStream filler = File.Create(path);
            while (true)
            {
                filler.Write(new byte[4096]);
                filler.Flush();
            }
        }
        catch (IOException)
        {
            // The disk is full.
        }
    }

    private static int Call(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string[] FilesOf(string run) =>
        [.. Directory.GetFiles(run, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(run, file)).Order(StringComparer.Ordinal)];

    private static void AssertSameCurve(IReadOnlyList<TrainingProgress> expected, IReadOnlyList<TrainingProgress> actual, int steps)
    {
        Assert.Equal(steps, expected.Count);
        Assert.Equal(expected.Select(line => (line.Step, line.Epoch, line.LearningRate)), actual.Select(line => (line.Step, line.Epoch, line.LearningRate)));
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second.Loss, pair.First.Loss * (1 - Relative), pair.First.Loss * (1 + Relative)));
    }
}
