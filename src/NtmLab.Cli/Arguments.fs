namespace NtmLab.Cli

open Argu
open NtmLab

/// Options of `ntmlab resume`.
type ResumeArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// What carries out a sweep.
type Launcher =
    | Local
    | Slurm

[<AutoOpen>]
module private SlurmTexts =

    let optionOfSbatch =
        "an option of sbatch, e.g. partition=short, time=01:00:00, mem=4G, cpus-per-task=2, or modules=NAME,NAME to load; may be repeated."

    let detached = "with Slurm: submit and end; the same command without it follows."

/// Options of `ntmlab sweep`.
type SweepArgument =
    | [<MainCommand; Unique>] Script of path: string
    | [<Unique>] Seeds of numbers: string
    | [<AltCommandLine("-s")>] Set of path_values: string
    | [<Unique>] Random of points: int
    | [<Unique>] Sweep_Seed of number: uint64
    | [<Unique>] Launcher of Launcher
    | [<Unique>] Jobs of number: int
    | [<Unique>] Threads of number: int
    | Slurm of key_value: string
    | Retry_Failed
    | Dry_Run
    | Detach
    | Cancel
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Script _ -> "the F# script that describes the experiment."
            | Seeds _ -> "the seeds of every point, e.g. 1..5 or 1,4,9 (default: the script's own)."
            | Set _ ->
                "the values of an option, e.g. model.slots=64,128; a value that is a list stands in brackets, e.g. evaluation.lengths=[3,5]; with --random also a range: uniform(0,1), log(1e-4,1e-2), whole(1,9), whole-log(16,512); may be repeated."
            | Random _ -> "draw so many points instead of taking all combinations."
            | Sweep_Seed _ -> "the seed that decides which points are drawn (default: 1)."
            | Launcher _ ->
                "where the runs are made: in processes of this machine, or as a job of a Slurm cluster (default: local)."
            | Jobs _ -> "runs at a time (default: cores divided by threads; of Slurm as many as it lets)."
            | Threads _ ->
                "threads of each run (default: cores divided by runs at a time; on Slurm the configuration's)."
            | Slurm _ -> optionOfSbatch
            | Retry_Failed -> "go on with runs that failed, too."
            | Dry_Run -> "show the runs and how they stand; start none."
            | Detach -> detached
            | Cancel -> "cancel the sweep's jobs on Slurm; give the command as it was otherwise."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab show`.
type ShowArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Memory
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Memory ->
                "show what the memory held after the drawn example, slot by slot: how much each is in use, and how alike they are."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab compare`.
type CompareArgument =
    | [<MainCommand; ExactlyOnce>] Compared of runs: string list
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Compared _ -> "the runs: their ids, the paths of their folders, or names of experiments."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."

/// Options of `ntmlab evaluate`.
type EvaluateArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Lengths of numbers: string
    | Sequences of number: int
    | Best
    | Memory of run_or_file: string
    | [<AltCommandLine("-s")>] Set of path_value: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Lengths _ -> "the lengths to score, e.g. 10,20,50 (default: the run's own)."
            | Sequences _ -> "fresh sequences of each length (default: the run's own number)."
            | Best -> "take the parameters that scored best during training, not the last ones."
            | Memory _ ->
                "start every sequence with the memory that a run kept or a file holds, not with a blank one; the controller starts as always."
            | Set _ ->
                "change an option that no parameter depends on, e.g. model.slots=256 or task.repeats=20; may be repeated."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Formats that other programs read.
type Format =
    | Pytorch
    | Safetensors
    | Parquet
    | Csv
    | Tensorboard

/// Options of `ntmlab export`.
type ExportArgument =
    | [<MainCommand>] Places of run_and_file: string
    | [<Unique>] To of Format
    | Best
    | Force
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Places _ ->
                "the run, by its id or the path of its folder, and the file to write; for tensorboard the folder that TensorBoard is started with."
            | To _ ->
                "the format: weights as pytorch or safetensors; metrics and evaluations as parquet, csv or tensorboard (default: what the file's ending says)."
            | Best -> "take the parameters that scored best during training, not the last ones."
            | Force -> "replace files that are there already."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab import`.
type ImportArgument =
    | [<MainCommand; ExactlyOnce>] File of path: string
    | [<Mandatory; Unique>] Like of run: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | File _ -> "the weights: a state_dict saved by torch.save, or a safetensors file."
            | Like _ ->
                "the run, by its id or the path of its folder, whose configuration the weights are for."
            | Runs _ -> "the folder that holds all runs and gets the new one (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab show-task`.
type ShowTaskArgument =
    | [<MainCommand; ExactlyOnce>] Task of name: string
    | Length of number: int
    | Seed of number: uint64
    | [<AltCommandLine("-s")>] Set of path_value: string
    | Picture of file: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Task _ -> "the task's name; 'ntmlab list tasks' lists them."
            | Length _ ->
                "the length of the sequence, in the task's own measure (default: its longest in training)."
            | Seed _ -> "the seed that decides the sequence (default: 1)."
            | Set _ -> "change an option of the task, e.g. task.bits=4; may be repeated."
            | Picture _ ->
                "where to draw it, as .png and .svg (default: the task's name in the current folder)."
            | Json -> "print one JSON document on standard output and nothing else there."

/// What can be listed.
type Listing =
    | Models
    | Tasks
    | Policies
    | Presets
    | Experiments

/// Options of `ntmlab list`.
type ListArgument =
    | [<MainCommand; ExactlyOnce>] What of Listing
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | What _ -> "what to list."
            | Json -> "print a JSON list of {name, summary}."

/// Options of `ntmlab runs`.
type RunsArgument =
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print a JSON list of runs."

/// Options of `ntmlab serve`.
type ServeArgument =
    | Port of number: int
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Port _ -> "the port on 127.0.0.1 (default: 5005; 0: any that is free)."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab doctor`.
type DoctorArgument =
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "the folder whose write access is checked (default: runs)."
            | Json -> "print a JSON list of {name, status, detail}."

/// Options of `ntmlab docs`.
type DocsArgument =
    | Out of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Out _ ->
                "the folder for the site (default: artifacts/docs); what an earlier one left there is replaced."

/// What can be benchmarked.
type Contest =
    | Ntm
    | Dnc
    | Long
    | Phases
    | Batches
    | Lstm
    | Gru
    | Memory
    | Recall
    | Store

/// Options of `ntmlab bench`.
type BenchArgument =
    | [<MainCommand; ExactlyOnce>] What of Contest
    | Batch of sequences: int
    | Length of number: int
    | Units of number: int
    | Layers of number: int
    | Inputs of number: int
    | Read_Heads of number: int
    | Threads of number: int
    | Repeats of number: int
    | [<Unique>] Slots of numbers: int list
    | Count of number: int
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | What _ ->
                "ntm, dnc: the fused engine against the reference; long: time and memory against the number of steps; phases: where the time of a training step goes; batches: what drawing a batch of each task costs; lstm, gru: our layers against libtorch's; memory: sparse against dense access, against the number of slots; recall: the approximate index of a sparse memory against looking at every slot; store: many runs in the store against their folders alone."
            | Batch _ -> "sequences in a batch (default: 1; batches: 16)."
            | Length _ ->
                "ntm, dnc, phases: vectors to copy (default: 20); lstm, gru: steps (default: 1000); memory: steps (default: 100); store: rows of metrics of each run (default: 10000)."
            | Units _ -> "lstm, gru: width of each layer (default: 100)."
            | Layers _ -> "lstm, gru: layers (default: 1)."
            | Inputs _ -> "lstm, gru: features of the input (default: 10)."
            | Read_Heads _ -> "dnc: read heads (default: 4)."
            | Threads _ -> "threads (default: 1)."
            | Repeats _ ->
                "times the reference, or with batches each task, is measured (default: chosen by the time it takes)."
            | Slots _ ->
                "memory: numbers of slots (default: 100 1000 10000 65536 1000000); recall: the same (default: 10000 100000)."
            | Count _ -> "store: runs (default: 100)."
            | Json -> "print one JSON document on standard output and nothing else there."

/// What can be probed.
type Probed =
    | Gradient_Flow
    | Path_Length
    | Cost
    | Jacobian

/// Options of `ntmlab probe`.
type ProbeArgument =
    | [<MainCommand; ExactlyOnce>] What of Probed
    | Model of name: string
    | Run of run: string
    | [<CustomCommandLine "--set"; AltCommandLine "-s">] Model_Set of path_value: string
    | [<Unique>] Lags of numbers: string
    | [<Unique; CustomCommandLine "--engine">] Flow_Engine of auto_or_reference_or_fused: string
    | [<Unique; CustomCommandLine "--steps">] Jacobian_Steps of number: int
    | [<Unique; CustomCommandLine "--batch">] Cost_Batches of numbers: string
    | [<Unique; CustomCommandLine "--lengths">] Cost_Lengths of numbers: string
    | [<Unique; CustomCommandLine "--seconds">] Cell_Seconds of number: float
    | [<Unique>] Sequences of number: int
    | [<Unique>] Seed of number: uint64
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | What _ ->
                "gradient-flow: how strongly an output depends on an input long before it; path-length: how many layers lie between them, checked by changing the input; cost: what a step has to compute and to move, how fast it is and how fast this machine allows it to be; jacobian: how a step turns and stretches the state."
            | Model _ ->
                "a model of the catalogue, untrained; may be repeated (default: all of them; jacobian: rnn, gru and lstm)."
            | Model_Set _ -> "an option of every --model, e.g. model.slots=16; may be repeated."
            | Run _ -> "a run, by its id or the path of its folder, as it was trained; may be repeated."
            | Lags _ -> "steps between input and output, e.g. 10,30,100,300 (default: 1,3,10,30,100)."
            | Flow_Engine _ ->
                "gradient-flow: reference, in double precision, or auto or fused, in single precision and much faster (default: reference)."
            | Jacobian_Steps _ -> "jacobian: steps of the sequence (default: 100)."
            | Cost_Batches _ -> "cost: sequences in a batch (default: 1,16,64)."
            | Cost_Lengths _ -> "cost: steps of the sequences (default: 100,1000,10000)."
            | Cell_Seconds _ ->
                "cost: the most seconds for one batch and length, computed one way; what would take longer is left out (default: 20)."
            | Sequences _ -> "random sequences that each model is given (default: 4)."
            | Seed _ -> "the seed that decides sequences and untrained parameters (default: 1)."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab study`.
type StudyArgument =
    | [<Unique>] Budget of StudyBudget
    | Part of name: string
    | [<Unique>] Jobs of number: int
    | [<Unique>] Launcher of Launcher
    | Slurm of key_value: string
    | Detach
    | Cancel
    | Anew
    | Gather
    | Publish
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Budget _ ->
                "how much is made: smoke (2 minutes), quick (half an hour) or full (a day; default: quick)."
            | Part _ -> "a part of the study, e.g. memory-length; may be repeated (default: all)."
            | Jobs _ -> "processes that share the work (default: one a core)."
            | Launcher _ ->
                "where they are: processes of this machine, or tasks of a Slurm cluster (default: local)."
            | Slurm _ -> optionOfSbatch
            | Detach -> detached
            | Cancel -> "cancel the study's tasks on Slurm; give the command as it was otherwise."
            | Anew -> "make also what has come along as a finding of others."
            | Gather -> "make nothing, and take what is there of each part."
            | Publish -> "put all that was found into paper/results, for others."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab paper`.
type PaperArgument =
    | [<Unique>] Budget of StudyBudget
    | [<Unique>] Out of file: string
    | Publish
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Budget _ ->
                "which study: smoke, quick or full (default: the one made last in the folder of runs, else full)."
            | Out _ -> "the PDF (default: artifacts/paper/ntmlab.pdf)."
            | Publish -> "put verdicts, tables and figures into paper/results, to be read without the PDF."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

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
