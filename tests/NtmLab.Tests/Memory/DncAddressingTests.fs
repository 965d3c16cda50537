module NtmLab.Tests.Memory.DncAddressingTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.DncOperands
open TorchSharp

let private gate (value: float) : torch.Tensor = row [ value ]

/// How far slot i was written next after slot j.
let private someLinks = [ [ 0.0; 0.1; 0.2 ]; [ 0.3; 0.0; 0.4 ]; [ 0.5; 0.2; 0.0 ] ]

let private byHand =
    testList "by hand" [
        // (1 - 1 * 0)(1 - 0.5 * 0.4), ..., (1 - 1 * 1)(1 - 0.5 * 0), (1 - 1 * 0)(1 - 0.5 * 0.2)
        worked
            "retention is what the free gates leave of each slot"
            (fun () ->
                DncAddressing.Retention(
                    torch.cat ([| gate 1.0; gate 0.5 |], 1L),
                    Tensors.rows [ [ 0.0; 0.0; 1.0; 0.0 ]; [ 0.4; 0.0; 0.0; 0.2 ] ]
                ))
            [ [ 0.8; 1.0; 0.0; 0.9 ] ]

        // (0.5 + 0.5 - 0.25) 0.8, (0 + 0.25 - 0) 1, (1 + 0.3 - 0.3) 0, (0.2 + 0 - 0) 0.9
        worked
            "usage grows with the write and falls with what is freed"
            (fun () ->
                DncAddressing.Usage(
                    row [ 0.5; 0.0; 1.0; 0.2 ],
                    row [ 0.5; 0.25; 0.3; 0.0 ],
                    row [ 0.8; 1.0; 0.0; 0.9 ]
                ))
            [ [ 0.6; 0.25; 0.0; 0.18 ] ]

        // From the least used slot on: 1 - 0.1, then (1 - 0.2) 0.1, (1 - 0.5) 0.1 0.2, (1 - 0.9) 0.1 0.2 0.5
        worked
            "allocation takes the least used slot first"
            (fun () -> DncAddressing.Allocation(row [ 0.9; 0.1; 0.5; 0.2 ]))
            [ [ 0.001; 0.9; 0.01; 0.08 ] ]

        worked
            "allocation takes the first of unused slots, and all of it"
            (fun () -> DncAddressing.Allocation(row [ 0.7; 0.0; 0.0; 0.0 ]))
            [ [ 0.0; 1.0; 0.0; 0.0 ] ]

        worked
            "allocation takes equally used slots in their order"
            (fun () -> DncAddressing.Allocation(row [ 0.5; 0.5; 0.5; 0.5 ]))
            [ [ 0.5; 0.25; 0.125; 0.0625 ] ]

        worked
            "nothing is allocated when every slot is in full use"
            (fun () -> DncAddressing.Allocation(row [ 1.0; 1.0; 1.0 ]))
            [ [ 0.0; 0.0; 0.0 ] ]

        // 0.8 (0.25 * 1 + 0.75 * 0.2), 0.8 (0.75 * 0.3), 0.8 (0.75 * 0.5)
        worked
            "the write weighting is gated between allocation and content"
            (fun () ->
                DncAddressing.WriteWeighting(
                    gate 0.8,
                    gate 0.25,
                    row [ 1.0; 0.0; 0.0 ],
                    row [ 0.2; 0.3; 0.5 ]
                ))
            [ [ 0.32; 0.18; 0.3 ] ]

        // (1 - 0.6) 0.5 + 0, (1 - 0.6) 0.5 + 0.2, (1 - 0.6) 0 + 0.4
        worked
            "precedence moves to what was written, as far as anything was"
            (fun () -> DncAddressing.Precedence(row [ 0.5; 0.5; 0.0 ], row [ 0.0; 0.2; 0.4 ]))
            [ [ 0.2; 0.4; 0.4 ] ]

        // [0, 1]: (1 - 0.5 - 0.1) 0.1 + 0.5 * 0.3    [0, 2]: (1 - 0.5 - 0.2) 0.2 + 0.5 * 0.4
        // [1, 0]: (1 - 0.1 - 0.5) 0.3 + 0.1 * 0.2    [1, 2]: (1 - 0.1 - 0.2) 0.4 + 0.1 * 0.4
        // [2, 0]: (1 - 0.2 - 0.5) 0.5 + 0.2 * 0.2    [2, 1]: (1 - 0.2 - 0.1) 0.2 + 0.2 * 0.3
        worked
            "links forget what is overwritten and lead on from what was written before"
            (fun () ->
                DncAddressing.Links(Tensors.rows someLinks, row [ 0.2; 0.3; 0.4 ], row [ 0.5; 0.1; 0.2 ]))
            [ [ 0.0; 0.19; 0.26 ]; [ 0.14; 0.0; 0.32 ]; [ 0.19; 0.2; 0.0 ] ]

        // 0.1 * 0.5, 0.3 * 0.5, (0.5 + 0.2) 0.5
        worked
            "the forward weighting follows the links"
            (fun () -> DncAddressing.Forward(Tensors.rows someLinks, row [ 0.5; 0.5; 0.0 ]))
            [ [ 0.05; 0.15; 0.35 ] ]

        // 0.3 * 0.5, 0.1 * 0.5, (0.2 + 0.4) 0.5
        worked
            "the backward weighting follows the links the other way"
            (fun () -> DncAddressing.Backward(Tensors.rows someLinks, row [ 0.5; 0.5; 0.0 ]))
            [ [ 0.15; 0.05; 0.3 ] ]

        // 0.2 * 0.5 + 0.3 * 0.1, 0.3 * 0.9 + 0.5 * 0.4, 0.5 * 0.6
        worked
            "the read weighting mixes backward, content and forward"
            (fun () ->
                DncAddressing.ReadWeighting(
                    row [ 0.2; 0.3; 0.5 ],
                    row [ 0.5; 0.0; 0.0 ],
                    row [ 0.1; 0.9; 0.0 ],
                    row [ 0.0; 0.4; 0.6 ]
                ))
            [ [ 0.13; 0.47; 0.3 ] ]

        test "slots written one after the other are linked in that order, until one is written again" {
            use scope = torch.NewDisposeScope()
            let mutable links = torch.zeros (1L, 3L, 3L, dtype = torch.float64)
            let mutable precedence = torch.zeros (1L, 1L, 3L, dtype = torch.float64)

            let write (slot: int) =
                let weighting = row [ for i in 0..2 -> if i = slot then 1.0 else 0.0 ]
                links <- DncAddressing.Links(links, precedence, weighting)
                precedence <- DncAddressing.Precedence(precedence, weighting)

            List.iter write [ 0; 2; 1 ]

            same
                links
                (Tensors.rows [ [ 0.0; 0.0; 0.0 ]; [ 0.0; 0.0; 1.0 ]; [ 1.0; 0.0; 0.0 ] ])
                "0, then 2, then 1"

            write 2

            same
                links
                (Tensors.rows [ [ 0.0; 0.0; 0.0 ]; [ 0.0; 0.0; 0.0 ]; [ 0.0; 1.0; 0.0 ] ])
                "1, then 2; nothing comes before or after 0 any more"
        }
    ]

let private within (low: float) (high: float) (tensor: torch.Tensor) (what: string) : unit =
    Expect.all (Tensors.values tensor) (fun x -> x >= low - 1e-12 && x <= high + 1e-12) what

let private sumsToAtMostOne (tensor: torch.Tensor) (dimension: int64) (what: string) : unit =
    within 0.0 1.0 tensor what
    within 0.0 1.0 (tensor.sum dimension) $"{what}: the sum"

let private invariants =
    testList "invariants" [
        law "usage and retention stay in [0, 1]" (fun case ->
            let x = DncOperands case
            let retention = DncAddressing.Retention(x.FreeGate, x.LastRead)
            within 0.0 1.0 retention "retention"
            within 0.0 1.0 (DncAddressing.Usage(x.Usage, x.LastWrite, retention)) "usage")

        law "allocation sums to 1 minus the product of all usages" (fun case ->
            let x = DncOperands case
            let allocation = DncAddressing.Allocation x.Usage
            sumsToAtMostOne allocation -1L "allocation"

            same
                (allocation.sum -1L)
                ((1.0).ToScalar() - x.Usage.prod (-1L))
                "what is left when nothing more is free")

        law "a slot that is used less gets no less of the allocation" (fun case ->
            let x = DncOperands case
            let allocation = DncAddressing.Allocation x.Usage

            for b in 0 .. case.Batch - 1 do
                let shares = Array.zip (only x.Usage b) (only allocation b) |> Array.sort |> Array.map snd

                for more, less in Array.pairwise shares do
                    Expect.isLessThanOrEqual less (more + 1e-12) "from the least used slot to the most")

        law "write weightings sum to at most the write gate" (fun case ->
            let x = DncOperands case

            let weighting =
                DncAddressing.WriteWeighting(x.WriteGate, x.AllocationGate, x.Allocation, x.Content)

            sumsToAtMostOne weighting -1L "write weighting"
            within 0.0 1.0 (x.WriteGate.squeeze -1L - weighting.sum -1L) "what the gate holds back")

        law "after any writes, links and precedence are in [0, 1] with sums of at most 1" (fun case ->
            let random = RandomStream(case.Seed, "writes")

            let mutable links =
                torch.zeros (int64 case.Batch, int64 case.Slots, int64 case.Slots, torch.float64)

            let mutable precedence = torch.zeros (int64 case.Batch, 1L, int64 case.Slots, torch.float64)

            for _ in 1..6 do
                // Powers make some writes sharp.
                let raw =
                    (Tensors.uniform random 0.0 1.0 [ case.Batch; 1; case.Slots ]).pow((8.0).ToScalar())

                let gate = Tensors.uniform random 0.0 1.0 [ case.Batch; 1; 1 ]
                let write = raw / raw.sum (-1L, true) * gate
                links <- DncAddressing.Links(links, precedence, write)
                precedence <- DncAddressing.Precedence(precedence, write)
                sumsToAtMostOne precedence -1L "precedence"
                sumsToAtMostOne links -1L "rows of links"
                sumsToAtMostOne links -2L "columns of links"
                within 0.0 0.0 (links.diagonal (0L, 1L, 2L)) "no slot follows itself"

                let read = Tensors.weightings random [ case.Batch; case.Heads; case.Slots ]
                sumsToAtMostOne (DncAddressing.Forward(links, read)) -1L "forward"
                sumsToAtMostOne (DncAddressing.Backward(links, read)) -1L "backward")

        law "a mask of ones is no mask" (fun case ->
            let x = DncOperands case

            same
                (DncAddressing.MaskedContent(x.Key, x.KeyStrength, torch.ones_like x.Key, x.Memory))
                (Addressing.Content(x.Key, x.KeyStrength, x.Memory))
                "the same weighting")

        law "what a mask hides does not matter" (fun case ->
            let x = DncOperands case
            let mask = torch.cat ([| torch.ones_like x.Key; torch.zeros_like x.Key |], -1L)
            let wide (tensor: torch.Tensor) = torch.cat ([| tensor; tensor * (7.0).ToScalar() |], -1L)

            same
                (DncAddressing.MaskedContent(wide x.Key, x.KeyStrength, mask, wide x.Memory))
                (Addressing.Content(x.Key, x.KeyStrength, x.Memory))
                "only the part under the mask is compared")

        law "sharpened links are weightings, of equal weight where there are no links" (fun case ->
            let x = DncOperands case
            isWeighting (DncAddressing.SharpenLinks(x.Forward, x.Sharpening)) 1e-12 "sharpened"
            let none = DncAddressing.SharpenLinks(torch.zeros_like x.Forward, x.Sharpening)
            same none (torch.full_like (none, (1.0 / float case.Slots).ToScalar())) "no links")
    ]

let tests = testList "DncAddressing" [ byHand; invariants ]
