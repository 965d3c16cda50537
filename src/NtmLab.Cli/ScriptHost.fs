/// Evaluates F# scripts in this process, with the F# Interactive of the SDK that built this command.
module NtmLab.Cli.ScriptHost

open System
open System.IO
open System.Reflection
open System.Runtime.Loader
open FSharp.Compiler.Diagnostics
open FSharp.Compiler.Interactive.Shell
open NtmLab

/// A script that does not compile: the compiler's errors, each with file, line and column.
exception CompilationFailed of string list

/// Where the SDK keeps F# Interactive; known since the build.
let private fsharpDirectory: string =
    Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>()
    |> Seq.tryFind (fun attribute -> attribute.Key = "FSharpDirectory")
    |> Option.bind (fun attribute -> Option.ofObj attribute.Value)
    |> Option.defaultValue AppContext.BaseDirectory

let private resolveFromSdk: Lazy<unit> =
    lazy
        AssemblyLoadContext.Default.add_Resolving (fun context name ->
            let file = Path.Combine(fsharpDirectory, $"{name.Name}.dll")

            if File.Exists file then
                context.LoadFromAssemblyPath file
            else
                null)

let private text (diagnostic: FSharpDiagnostic) : string =
    $"{diagnostic.FileName}({diagnostic.StartLine},{diagnostic.StartColumn + 1}): error {diagnostic.ErrorNumberText}: {diagnostic.Message}"

let private evaluateWith (includes: string list) (script: string) : unit =
    let arguments = [|
        yield! [ "fsi"; "--noninteractive"; "--nologo"; "--quiet"; "--optimize+" ]
        for folder in includes do
            $"-I:{folder}"
    |]

    use session =
        FsiEvaluationSession.Create(
            FsiEvaluationSession.GetDefaultConfiguration(),
            arguments,
            TextReader.Null,
            TextWriter.Null,
            TextWriter.Null
        )

    let result, diagnostics = session.EvalScriptNonThrowing script

    let errors =
        diagnostics
        |> Array.filter (fun diagnostic -> diagnostic.Severity = FSharpDiagnosticSeverity.Error)

    if errors.Length > 0 then
        raise (CompilationFailed [ for error in errors -> text error ])

    match result with
    | Choice1Of2() -> ()
    | Choice2Of2 fault -> raise fault

/// Evaluates a script from beginning to end. Its `#load` and `#r` lines are found beside it and in the given folders.
let evaluate (includes: string list) (script: string) : unit =
    resolveFromSdk.Force()

    if not (File.Exists(Path.Combine(fsharpDirectory, "FSharp.Compiler.Service.dll"))) then
        raise (
            ConfigurationException
                $"{fsharpDirectory}: F# Interactive is gone; the SDK changed since the build: run ./ntmlab again."
        )

    evaluateWith includes script
