module NtmLab.Tests.Models.Blocks.FastWeightsTests

open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private batch, heads, keyWidth, valueWidth = 2, 3, 4, 5

/// What the functions under test are given.
type private Case = {
    Query: torch.Tensor
    Key: torch.Tensor
    Value: torch.Tensor
    Beta: torch.Tensor
    Weights: torch.Tensor
} with

    member case.All = [
        "query", case.Query
        "key", case.Key
        "value", case.Value
        "beta", case.Beta
        "weights", case.Weights
    ]

/// Random sequences with keys and queries of length 1, and weights that are not zero at the start.
let private case (time: int) : Case =
    let random = RandomStream(uint64 time, "fast weights")
    let uniform low high shape = Tensors.uniform random low high (batch :: heads :: shape)
    let unit (x: torch.Tensor) = x / x.norm (-1, true)

    {
        Query = unit (uniform -1.0 1.0 [ time; keyWidth ])
        Key = unit (uniform -1.0 1.0 [ time; keyWidth ])
        Value = uniform -1.0 1.0 [ time; valueWidth ]
        Beta = uniform 0.0 1.0 [ time; 1 ]
        Weights = uniform -1.0 1.0 [ keyWidth; valueWidth ]
    }

/// The recurrence as the papers write it, step by step.
let private naive (rule: FastWeightRule) (case: Case) : torch.Tensor * torch.Tensor =
    let mutable weights = case.Weights

    let outputs = [|
        for t in 0L .. case.Query.shape[2] - 1L do
            let column (sequence: torch.Tensor) = sequence.select(2L, t).unsqueeze(-1L)
            let key, value, query = column case.Key, column case.Value, column case.Query
            let known = weights.transpose(2L, 3L).matmul key

            let news =
                match rule with
                | FastWeightRule.Delta -> value - known
                | _ -> value

            weights <- weights + case.Beta.narrow (2L, t, 1L) * key.matmul (news.transpose (2L, 3L))
            weights.transpose(2L, 3L).matmul(query).squeeze(-1L)
    |]

    torch.stack (outputs, 2L), weights

let private run (rule: FastWeightRule) (chunk: int) (case: Case) : torch.Tensor * torch.Tensor =
    let struct (output, weights) =
        FastWeights.Run(rule, case.Query, case.Key, case.Value, case.Beta, case.Weights, chunk)

    output, weights

/// The gradients of outputs and last weights, both together, with respect to everything given.
let private gradients (f: Case -> torch.Tensor * torch.Tensor) (case: Case) : torch.Tensor list =
    let case = {
        Query = case.Query.detach().clone().requires_grad_ true
        Key = case.Key.detach().clone().requires_grad_ true
        Value = case.Value.detach().clone().requires_grad_ true
        Beta = case.Beta.detach().clone().requires_grad_ true
        Weights = case.Weights.detach().clone().requires_grad_ true
    }

    let output, weights = f case
    (GradientCheck.scalar output + GradientCheck.scalar weights).backward()
    [ for _, variable in case.All -> Tensors.gradient variable ]

/// One head, one sequence: rows of keys and values, written with beta 1; what is read for the last key.
let private lastRead (rule: FastWeightRule) (keys: float list list) (values: float list list) : float[] =
    let keys, values = (Tensors.rows keys).unsqueeze 0L, (Tensors.rows values).unsqueeze 0L
    let time, keyWidth, valueWidth = keys.shape[2], keys.shape[3], values.shape[3]

    let struct (output, _) =
        FastWeights.Run(
            rule,
            keys,
            keys,
            values,
            torch.ones ([| 1L; 1L; time; 1L |], torch.float64),
            torch.zeros ([| 1L; 1L; keyWidth; valueWidth |], torch.float64)
        )

    Tensors.values (output.select (2L, time - 1L))

let private equalsRecurrence (rule: FastWeightRule) =
    testList $"the {rule} rule" [
        for time, chunk in [ 1, 4; 3, 4; 4, 4; 5, 4; 11, 4; 12, 4; 70, 64; 6, 1 ] do
            test $"gives the recurrence's numbers and gradients for {time} steps in chunks of {chunk}" {
                use scope = torch.NewDisposeScope()
                let case = case time
                let output, weights = run rule chunk case
                let expectedOutput, expectedWeights = naive rule case
                Expect.isLessThan (Tensors.distance output expectedOutput) 1e-12 "outputs"

                Expect.isLessThan
                    (Tensors.distance weights expectedWeights)
                    1e-12
                    "weights after the last step"

                for (name, _), ours, theirs in
                    List.zip3 case.All (gradients (run rule chunk) case) (gradients (naive rule) case) do
                    Expect.isLessThan (Tensors.distance ours theirs) 1e-11 $"gradient of {name}"
            }
    ]

let tests =
    testList "FastWeights" [
        equalsRecurrence FastWeightRule.Delta
        equalsRecurrence FastWeightRule.Additive

        test "the delta rule replaces what a key had, and leaves other keys alone" {
            use scope = torch.NewDisposeScope()
            let a, b = [ 1.0; 0.0 ], [ 0.0; 1.0 ]

            Expect.equal
                (lastRead FastWeightRule.Delta [ a; b; a ] [ [ 1.0; 2.0 ]; [ 7.0; 7.0 ]; [ 3.0; 5.0 ] ])
                [| 3.0; 5.0 |]
                "the second value"

            Expect.equal
                (lastRead FastWeightRule.Delta [ a; b ] [ [ 1.0; 2.0 ]; [ 7.0; 7.0 ] ])
                [| 7.0; 7.0 |]
                "its own value"
        }

        test "the additive rule sums all that a key was given" {
            use scope = torch.NewDisposeScope()
            let a, b = [ 1.0; 0.0 ], [ 0.0; 1.0 ]

            Expect.equal
                (lastRead FastWeightRule.Additive [ a; b; a ] [ [ 1.0; 2.0 ]; [ 7.0; 7.0 ]; [ 3.0; 5.0 ] ])
                [| 4.0; 7.0 |]
                "both values"
        }

        test "a key that is written at every step of a long chunk is no harder than others" {
            use scope = torch.NewDisposeScope()
            // The powers of this chunk's triangular matrix exceed 1e17: summing them would leave no digit in single precision.
            let time = int64 FastWeights.ChunkLength
            let key = torch.ones ([| 1L; 1L; time; 1L |], torch.float32)
            let value = torch.arange(0, time, 1, torch.float32).view(1L, 1L, time, 1L)

            let struct (output, _) =
                FastWeights.Run(
                    FastWeightRule.Delta,
                    key,
                    key,
                    value,
                    key,
                    torch.zeros ([| 1L; 1L; 1L; 1L |], torch.float32)
                )

            Expect.isLessThan (Tensors.distance output value) 1e-4 "each step reads what it wrote"
        }
    ]
