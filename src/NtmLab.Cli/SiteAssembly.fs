/// Copies of our libraries for fsdocs, which reads neither attributes that name types nor inherited documentation.
module NtmLab.Cli.SiteAssembly

open System
open System.Collections.Generic
open System.IO
open System.Xml.Linq
open Mono.Cecil

/// The types that a type takes documentation from: those it derives from and its interfaces, the nearest first.
let rec private ancestors (kind: TypeDefinition) : TypeDefinition list = [
    let nearest = [
        for reference in
            [
                yield! Option.toList (Option.ofObj kind.BaseType)
                for used in kind.Interfaces do
                    used.InterfaceType
            ] do
            match Option.ofObj (reference.Resolve()) with
            | Some found when found.FullName.StartsWith("NtmLab.", StringComparison.Ordinal) -> found
            | _ -> ()
    ]

    yield! nearest

    for ancestor in nearest do
        yield! ancestors ancestor
]

/// The name under which the documentation knows a type.
let private documented (kind: TypeDefinition) : string = kind.FullName.Replace('/', '.')

/// The type in which a member stands, and what is left of the member's name: `M:Space.Type.Name(Argument)`.
let private split
    (types: Dictionary<string, TypeDefinition>)
    (id: string)
    : (TypeDefinition * string) option =
    let signature = id.IndexOf '('
    let name = if signature < 0 then id else id.Substring(0, signature)
    let dot = name.LastIndexOf '.'

    if dot < 2 then
        None
    else
        match types.TryGetValue(name.Substring(2, dot - 2)) with
        | true, kind -> Some(kind, id.Substring dot)
        | false, _ -> None

/// Puts what is inherited in the place of `<inheritdoc/>`.
let private inheritDocumentation
    (types: Dictionary<string, TypeDefinition>)
    (documents: (string * XDocument) list)
    : unit =
    let members = [
        for _, document in documents do
            for element in document.Descendants(XName.Get "member") do
                match Option.ofObj (element.Attribute(XName.Get "name")) with
                | Some name -> name.Value, element
                | None -> ()
    ]

    let byId = Dictionary<string, XElement>()

    for id, element in members do
        byId[id] <- element

    let inherits (element: XElement) = not (isNull (element.Element(XName.Get "inheritdoc")))

    for id, element in members do
        if inherits element then
            let sources = [
                match split types id with
                | Some(kind, rest) ->
                    for ancestor in ancestors kind do
                        match byId.TryGetValue($"{id[0]}:{documented ancestor}{rest}") with
                        | true, found when not (inherits found) -> found
                        | _ -> ()
                | None -> ()
            ]

            match sources with
            | nearest :: _ -> element.ReplaceNodes([| for node in nearest.Elements() -> XElement node |])
            | [] -> ()

/// Removes the attributes of types whose arguments name types.
let private removeAttributes (assembly: AssemblyDefinition) : unit =
    for kind in assembly.MainModule.GetTypes() do
        for attribute in List.ofSeq kind.CustomAttributes do
            let namesType (argument: CustomAttributeArgument) = argument.Type.FullName = "System.Type"

            if Seq.exists namesType attribute.ConstructorArguments then
                kind.CustomAttributes.Remove attribute |> ignore

/// Writes the copies, each with its documentation, into a folder.
let prepare (from: string) (into: string) (names: string list) : unit =
    Directory.CreateDirectory into |> ignore
    use resolver = new DefaultAssemblyResolver()
    resolver.AddSearchDirectory from
    resolver.AddSearchDirectory(Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory())

    let assemblies = [
        for name in names ->
            AssemblyDefinition.ReadAssembly(
                Path.Combine(from, $"{name}.dll"),
                ReaderParameters(AssemblyResolver = resolver)
            )
    ]

    let types = Dictionary<string, TypeDefinition>()

    for assembly in assemblies do
        for kind in assembly.MainModule.GetTypes() do
            types[documented kind] <- kind

    let documents = [ for name in names -> name, XDocument.Load(Path.Combine(from, $"{name}.xml")) ]
    inheritDocumentation types documents

    for name, document in documents do
        document.Save(Path.Combine(into, $"{name}.xml"))

    for name, assembly in List.zip names assemblies do
        removeAttributes assembly
        assembly.Write(Path.Combine(into, $"{name}.dll"))
        assembly.Dispose()
