/// Small shared libraries made of nothing but what symbol versions need, written from the ELF specification.
module NtmLab.Tests.Native.ElfImage

open System.IO
open System.Text

/// A demanded version, with the symbols that carry it and those of them that a relocation uses.
type Demand = {
    Library: string
    Version: string
    Weak: bool
    Symbols: string list
    Relocated: string list
}

let demand (version: string) : Demand = {
    Library = "libstdc++.so.6"
    Version = version
    Weak = false
    Symbols = []
    Relocated = []
}

/// Strings joined by zeros, and where each begins.
let private table (strings: string list) : byte[] * Map<string, uint32> =
    let place (bytes: byte list, places) (text: string) =
        bytes @ List.ofArray (Encoding.ASCII.GetBytes text) @ [ 0uy ],
        Map.add text (uint32 bytes.Length) places

    let bytes, places = List.fold place ([ 0uy ], Map.empty) (List.distinct strings)
    List.toArray bytes, places

let private write (fill: BinaryWriter -> unit) : byte[] =
    use stream = new MemoryStream()
    use writer = new BinaryWriter(stream)
    fill writer
    writer.Flush()
    stream.ToArray()

/// An ELF64 little-endian shared library: header, string table, symbols, their versions, the demanded versions
/// (each of a library of its own), relocations, and the section headers at the end.
let build (demands: Demand list) : byte[] =
    let strings, places =
        table [
            for demand in demands do
                demand.Library
                demand.Version
                yield! demand.Symbols
        ]

    let symbols = [
        for index, demand in List.indexed demands do
            for symbol in demand.Symbols -> symbol, uint16 (index + 2), List.contains symbol demand.Relocated
    ]

    let symbolTable =
        write (fun writer ->
            writer.Write(Array.zeroCreate<byte> 24)

            for symbol, _, _ in symbols do
                writer.Write places[symbol]
                writer.Write(Array.zeroCreate<byte> 20))

    let symbolVersions =
        write (fun writer ->
            writer.Write 0us

            for _, version, _ in symbols do
                writer.Write version)

    let versionNeeds =
        write (fun writer ->
            for index, demand in List.indexed demands do
                let isLast = index = demands.Length - 1
                // Verneed: version, count, library, offset of the first entry, offset of the next library.
                writer.Write 1us
                writer.Write 1us
                writer.Write places[demand.Library]
                writer.Write 16u
                writer.Write(if isLast then 0u else 32u)
                // Vernaux: hash, flags, number, name, offset of the next entry.
                writer.Write 0u
                writer.Write(if demand.Weak then 2us else 0us)
                writer.Write(uint16 (index + 2))
                writer.Write places[demand.Version]
                writer.Write 0u)

    let relocations =
        write (fun writer ->
            for index, (_, _, isRelocated) in List.indexed symbols do
                if isRelocated then
                    writer.Write 0UL
                    writer.Write(uint64 (index + 1) <<< 32 ||| 6UL)
                    writer.Write 0L)

    // Type, content, link, info.
    let sections = [
        0u, [||], 0u, 0u
        3u, strings, 0u, 0u
        11u, symbolTable, 1u, 1u
        0x6fffffffu, symbolVersions, 2u, 0u
        0x6ffffffeu, versionNeeds, 1u, uint32 demands.Length
        4u, relocations, 2u, 0u
    ]

    let contents = sections |> List.map (fun (_, content, _, _) -> content)
    let starts = contents |> List.scan (fun start content -> start + uint64 content.Length) 64UL

    write (fun writer ->
        writer.Write [| 0x7fuy; byte 'E'; byte 'L'; byte 'F'; 2uy; 1uy; 1uy |]
        writer.Write(Array.zeroCreate<byte> 9)
        writer.Write 3us // a shared object
        writer.Write 62us // x86-64
        writer.Write 1u
        writer.Write 0UL
        writer.Write 0UL
        writer.Write(List.last starts)
        writer.Write 0u
        writer.Write 64us
        writer.Write 0us
        writer.Write 0us
        writer.Write 64us
        writer.Write(uint16 sections.Length)
        writer.Write 0us

        for content in contents do
            writer.Write content

        for (kind, content, link, info), start in List.zip sections (List.take sections.Length starts) do
            writer.Write 0u
            writer.Write kind
            writer.Write 0UL
            writer.Write 0UL
            writer.Write start
            writer.Write(uint64 content.Length)
            writer.Write link
            writer.Write info
            writer.Write 1UL
            writer.Write 0UL)
