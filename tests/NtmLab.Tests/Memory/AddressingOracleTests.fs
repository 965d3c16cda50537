module NtmLab.Tests.Memory.AddressingOracleTests

open Expecto
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

let tests =
    testList "Addressing as plain loops" [
        law "content weightings are those of equation 5" (fun case ->
            let x = Operands case

            let key, strength, memory =
                Tensors.values3 x.Key, Tensors.values3 x.KeyStrength, Tensors.values3 x.Memory

            let content b k (beta: float[]) = AddressingOracle.content k beta[0] (Array.item b memory)

            equals case (Addressing.Content(x.Key, x.KeyStrength, x.Memory)) (fun b ->
                Array.map2 (content b) key.[b] strength.[b]))

        law "interpolated weightings are those of equation 7" (fun case ->
            let x = Operands case

            let gate, content, previous =
                Tensors.values3 x.Gate, Tensors.values3 x.Weighting, Tensors.values3 x.Previous

            let interpolate (g: float[]) = AddressingOracle.interpolate g[0]

            equals case (Addressing.Interpolate(x.Gate, x.Weighting, x.Previous)) (fun b ->
                Array.map3 interpolate gate.[b] content.[b] previous.[b]))

        law "shifted weightings are those of equation 8" (fun case ->
            let x = Operands case
            let weighting, shift = Tensors.values3 x.Weighting, Tensors.values3 x.Shift

            equals case (Addressing.Shift(x.Weighting, x.Shift)) (fun b ->
                Array.map2 AddressingOracle.shift weighting.[b] shift.[b]))

        law "sharpened weightings are those of equation 9" (fun case ->
            let x = Operands case
            let weighting, gamma = Tensors.values3 x.Weighting, Tensors.values3 x.Sharpening
            let sharpen w (gamma: float[]) = AddressingOracle.sharpen w gamma[0]

            equals case (Addressing.Sharpen(x.Weighting, x.Sharpening)) (fun b ->
                Array.map2 sharpen weighting.[b] gamma.[b]))

        law "read vectors are those of equation 2" (fun case ->
            let x = Operands case
            let memory, weighting = Tensors.values3 x.Memory, Tensors.values3 x.Weighting

            equals case (Addressing.Read(x.Memory, x.Weighting)) (fun b ->
                Array.map (AddressingOracle.read memory.[b]) weighting.[b]))

        law "a written memory is that of equations 3 and 4" (fun case ->
            let x = Operands case
            let memory, weighting = Tensors.values3 x.Memory, Tensors.values3 x.Weighting
            let erase, add = Tensors.values3 x.Erase, Tensors.values3 x.Add

            equals case (Addressing.Write(x.Memory, x.Weighting, x.Erase, x.Add)) (fun b ->
                AddressingOracle.write memory.[b] weighting.[b] erase.[b] add.[b]))
    ]
