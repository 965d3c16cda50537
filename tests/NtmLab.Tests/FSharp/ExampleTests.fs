module NtmLab.Tests.FSharp.ExampleTests

open System.IO
open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests

let private drawn (task: SequenceTask) (length: int) : SequenceBatch = Example.draw task 1UL length

let private lines (task: SequenceTask) (length: int) (width: int) (blocks: int) : string list =
    use batch = drawn task length
    Example.lines task batch width blocks

let tests =
    testList "Example" [
        test "bits are drawn as blocks, and targets where they count" {
            use batch = drawn (CopyTask(Bits = 2)) 2
            let bit (value: float32) = if value > 0.0f then "█" else "."

            let input, wanted =
                Example.inputs (CopyTask(Bits = 2)) batch, Example.wanted (CopyTask(Bits = 2)) batch

            let row (values: float32[,]) channel steps =
                String.concat "" [ for step in steps -> bit values[channel, step] ]

            Expect.equal
                (lines (CopyTask(Bits = 2)) 2 80 1)
                [
                    $"input       bit 0 {row input 0 [ 0..4 ]}"
                    $"            bit 1 {row input 1 [ 0..4 ]}"
                    "        delimiter ..█.."
                    $"target      bit 0    {row wanted 0 [ 3..4 ]}"
                    $"            bit 1    {row wanted 1 [ 3..4 ]}"
                    "mask              ...11"
                ]
                "two vectors"
        }

        test "numbers have a decimal, and room only in their own steps" {
            let drawn = lines (RepeatCopyTask(Bits = 1, Repeats = 2)) 1 80 1

            Expect.contains
                drawn
                "          repeats .. -1.2..."
                "two repeats of 1 to 10, in units of the deviation"

            Expect.isTrue (drawn |> List.forall (fun line -> line.Length <= 80)) "the width"
        }

        test "no line is wider than asked for, and a long sequence goes on below" {
            for width in [ 40; 63; 100 ] do
                let drawn = lines (CopyTask()) 40 width 4
                Expect.all drawn (fun line -> line.Length <= width) $"width {width}"

                let mask =
                    drawn
                    |> List.filter (fun line -> line.StartsWith "mask")
                    |> List.map (fun line -> line[18..])
                    |> String.concat ""

                let steps = min 81 (4 * (width - 18))

                Expect.equal
                    mask
                    ((String.replicate 41 "." + String.replicate 40 "1")[.. steps - 1])
                    "all steps in order"
        }

        test "what is left out is said" {
            Expect.equal
                (lines (CopyTask()) 40 58 1 |> List.last)
                "... and 41 more of 81 steps; --length chooses a shorter sequence."
                "one block of 40 steps"
        }

        test "a picture is written as PNG and SVG" {
            use folder = new Scratch.Folder()
            use batch = drawn (CopyTask()) 5
            let path = Path.Combine(folder.Path, "copy")
            Example.picture (CopyTask()) batch path

            for ending in [ ".png"; ".svg" ] do
                Expect.isGreaterThan (FileInfo(path + ending)).Length 1000L ending
        }
    ]
