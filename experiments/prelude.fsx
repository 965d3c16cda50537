// What every experiment begins with: the built laboratory, its names, and what is found in them.
#r "../artifacts/bin/NtmLab.Cli/release/NtmLab.Kernels.dll"
#r "../artifacts/bin/NtmLab.Cli/release/NtmLab.Runtime.dll"
#r "../artifacts/bin/NtmLab.Cli/release/NtmLab.FSharp.dll"
#r "../artifacts/bin/NtmLab.Cli/release/TorchSharp.dll"
