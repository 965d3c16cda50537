namespace NtmLab.Cli

open Argu

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
