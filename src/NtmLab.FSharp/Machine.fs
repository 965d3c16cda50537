/// What a run records of the machine and the code, and the set-up that a configuration asks for.
module NtmLab.Machine

open System
open System.Reflection
open System.Runtime.InteropServices
open System.Runtime.Intrinsics
open NtmLab.Configuration
open NtmLab.Native
open NtmLab.Runs
open TorchSharp

/// The version of this code, with the commit it was built from, and `.changed` where sources differed from that commit.
let codeVersion: string =
    Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()
    |> Option.ofObj
    |> Option.map _.InformationalVersion
    |> Option.defaultValue "unknown"

let private vectorBits: int =
    if Vector512.IsHardwareAccelerated then 512
    elif Vector256.IsHardwareAccelerated then 256
    elif Vector128.IsHardwareAccelerated then 128
    else 64

/// The machine, for the run's record.
let describe (threads: int) : MachineRecord =
    MachineRecord(
        RuntimeInformation.OSDescription,
        $"{Environment.ProcessorCount} x {RuntimeInformation.ProcessArchitecture}, {vectorBits}-bit vectors",
        RuntimeInformation.FrameworkDescription,
        LibTorch.Version,
        threads
    )

/// Loads libtorch and sets threads and device as a configuration asks.
let prepare (compute: ComputeOptions) : torch.Device =
    LibTorch.Load()
    torch.set_num_threads compute.Threads

    match compute.Device with
    | DeviceChoice.Cuda when not (torch.cuda.is_available ()) ->
        raise (ConfigurationException "compute.device: 'cuda' is not available here; 'cpu' is.")
    | DeviceChoice.Cuda -> torch.CUDA
    | _ -> torch.CPU
