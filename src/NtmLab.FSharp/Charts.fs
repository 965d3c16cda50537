/// Pictures.
module NtmLab.Charts

/// Learning curve.
let learningCurve (title: string) (scoreName: string) (solvedScore: float) (solvedAt: int64 option) (rows: NtmLab.Training.BatchReport seq) (path: string) : unit = ()
/// Panels.
let panels (title: string) (panels: (string * float32[,]) list) (path: string) : unit = ()
/// Heads.
let heads (title: string) (input: float32[,]) (output: float32[,]) (steps: System.Collections.Generic.IReadOnlyList<NtmLab.Probes.HeadStep>) (path: string) : unit = ()
