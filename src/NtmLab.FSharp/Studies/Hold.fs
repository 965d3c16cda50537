/// What one process works at, and no other.
[<RequireQualifiedAccess>]
module NtmLab.Hold

open System
open System.IO

/// Takes hold of a file, which is there for as long as it is held, by this process or until that ends; none while another holds it.
let take (file: string) : IDisposable option =
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore

    try
        Some(
            new FileStream(
                file,
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            )
        )
    with :? IOException ->
        None
