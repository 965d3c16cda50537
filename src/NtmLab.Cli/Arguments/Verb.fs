namespace NtmLab.Cli

open Argu
open NtmLab

/// The verbs of `ntmlab`.
type Verb =
    | [<CliPrefix(CliPrefix.None)>] Run of ParseResults<RunArgument>
    | [<CliPrefix(CliPrefix.None)>] Resume of ParseResults<ResumeArgument>
    | [<CliPrefix(CliPrefix.None)>] Sweep of ParseResults<SweepArgument>
    | [<CliPrefix(CliPrefix.None); CustomCommandLine "list">] Listed of ParseResults<ListArgument>
    | [<CliPrefix(CliPrefix.None)>] Runs of ParseResults<RunsArgument>
    | [<CliPrefix(CliPrefix.None)>] Show of ParseResults<ShowArgument>
    | [<CliPrefix(CliPrefix.None)>] Compare of ParseResults<CompareArgument>
    | [<CliPrefix(CliPrefix.None)>] Serve of ParseResults<ServeArgument>
    | [<CliPrefix(CliPrefix.None)>] Evaluate of ParseResults<EvaluateArgument>
    | [<CliPrefix(CliPrefix.None)>] Export of ParseResults<ExportArgument>
    | [<CliPrefix(CliPrefix.None)>] Import of ParseResults<ImportArgument>
    | [<CliPrefix(CliPrefix.None); CustomCommandLine "show-task">] ShowTask of ParseResults<ShowTaskArgument>
    | [<CliPrefix(CliPrefix.None)>] Study of ParseResults<StudyArgument>
    | [<CliPrefix(CliPrefix.None)>] Paper of ParseResults<PaperArgument>
    | [<CliPrefix(CliPrefix.None)>] Bench of ParseResults<BenchArgument>
    | [<CliPrefix(CliPrefix.None)>] Probe of ParseResults<ProbeArgument>
    | [<CliPrefix(CliPrefix.None)>] Doctor of ParseResults<DoctorArgument>
    | [<CliPrefix(CliPrefix.None)>] Docs of ParseResults<DocsArgument>
    | [<CliPrefix(CliPrefix.None); SubCommand>] Test
    | [<CliPrefix(CliPrefix.None); SubCommand>] Format

    interface IArgParserTemplate with
        member verb.Usage =
            match verb with
            | Run _ -> "train, evaluate and draw what a script describes."
            | Resume _ -> "go on with a run exactly where it stopped."
            | Sweep _ ->
                "make many runs of a script: grids, random search, seeds; here or on a Slurm cluster."
            | Listed _ -> "list models, tasks, policies, presets or experiments."
            | Runs _ -> "list the runs."
            | Show _ -> "show one run, or what its memory held."
            | Compare _ ->
                "hold runs against each other: medians over seeds with intervals, and rank tests between configurations."
            | Serve _ ->
                "show the runs in the browser of this machine: live curves, heads and memory step by step, comparisons."
            | Evaluate _ ->
                "score a run's model at other lengths, with more memory, with a memory that was kept, or with other options of the task."
            | Export _ -> "write a run's weights or metrics for PyTorch, pandas, TensorBoard and others."
            | Import _ -> "make a run of weights that were trained elsewhere."
            | ShowTask _ -> "draw an example of a task, in the terminal and as a picture."
            | Study _ ->
                "make the memory-length study: what models remember, and what it costs; goes on where it stopped."
            | Paper _ -> "build the paper on the memory-length study from what it has found."
            | Bench _ -> "measure the fused engine side by side with the reference engine."
            | Probe _ ->
                "look into models: how strongly an output depends on an input long before it, by which path, and at what cost."
            | Doctor _ -> "check this machine: SDK, libtorch, threads, vectors, GPU, feed, write access."
            | Docs _ -> "make a site of these pages and of the reference of all public types."
            | Test -> "build and run the tests; further options go to the test program."
            | Format -> "format all C# and F#; --check only checks."
