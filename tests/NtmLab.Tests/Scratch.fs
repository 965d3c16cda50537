/// Folders for one test, removed at its end.
module NtmLab.Tests.Scratch

open System
open System.IO

/// A fresh folder; disposing removes it with all it holds.
type Folder() =
    let path = Directory.CreateTempSubdirectory("ntmlab-tests-").FullName

    /// Its full path.
    member _.Path: string = path

    /// The full path of a file inside.
    member _.File(name: string) : string = Path.Combine(path, name)

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// The top folder of the checkout: the nearest one above that holds NtmLab.sln.
let repository: Lazy<string> =
    let rec above (directory: string | null) =
        match directory with
        | null -> failwith "these tests run inside a checkout: no folder above holds NtmLab.sln"
        | directory when File.Exists(Path.Combine(directory, "NtmLab.sln")) -> directory
        | directory -> above (Path.GetDirectoryName directory)

    lazy (above (AppContext.BaseDirectory.TrimEnd Path.DirectorySeparatorChar))
