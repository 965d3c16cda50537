module NtmLab.Tests.Dashboard.DashboardServerTests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Text
open System.Text.Json
open System.Threading
open Expecto
open NtmLab
open NtmLab.Dashboard
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Runs
open NtmLab.Tests.Scratch

let private client = lazy (new HttpClient())

let private ask (request: HttpRequestMessage) : HttpStatusCode * string =
    use request = request
    use answer = client.Value.Send request
    answer.StatusCode, answer.Content.ReadAsStringAsync().Result

let private get (address: string) : HttpStatusCode * string =
    ask (new HttpRequestMessage(HttpMethod.Get, address))

let private document (address: string) : JsonDocument =
    let status, text = get address
    Expect.equal status HttpStatusCode.OK text
    JsonDocument.Parse text

/// What a server answers to bytes that no well-behaved program would send: the first line.
let private raw (address: string) (request: string) : string =
    let uri = Uri address
    use socket = new TcpClient()
    socket.Connect(uri.Host, uri.Port)
    use stream = socket.GetStream()
    stream.Write(Encoding.Latin1.GetBytes request)
    use reader = new StreamReader(stream)
    reader.ReadLine() |> Option.ofObj |> Option.defaultValue ""

let private reading =
    testList "reading" [
        test "all runs are listed, lean" {
            Served.three (fun _ address ->
                use runs = document $"{address}/api/runs"
                let ids = [ for run in runs.RootElement.EnumerateArray() -> string (run.GetProperty "id") ]
                Expect.equal ids [ "copy-seed3-001"; "copy-seed2-001"; "copy-seed1-001" ] "newest first"
                let first = runs.RootElement[0]
                Expect.equal (string (first.GetProperty "status")) "finished" "how it stands"
                Expect.equal ((first.GetProperty "score").GetDouble()) 1.5 "the score at the last length"
                Expect.isFalse (fst (first.TryGetProperty "configuration")) "no more than the table shows")
        }

        test "a run is told with its script, configuration, scores and files" {
            Served.three (fun _ address ->
                use run = document $"{address}/api/runs/copy-seed1-001"
                let part (name: string) = run.RootElement.GetProperty name
                Expect.equal (string (part "script")) KeptRun.script "script"
                Expect.equal ((part "scores").GetArrayLength()) 2 "scores"
                Expect.equal (string (part "pictures")) "[\"learning-curve.png\"]" "pictures"
                Expect.equal ((part "configuration").ValueKind) JsonValueKind.Object "configuration")
        }

        test "a curve is told in columns" {
            Served.three (fun _ address ->
                use curve = document $"{address}/api/runs/copy-seed1-001/curve"

                for name in [ "batch"; "sequences"; "loss"; "score"; "windowScore"; "seconds" ] do
                    Expect.equal ((curve.RootElement.GetProperty name).GetArrayLength()) 100 name)
        }

        test "a picture is served as it is, and as what it is" {
            Served.three (fun _ address ->
                use answer =
                    client.Value
                        .GetAsync($"{address}/api/runs/copy-seed1-001/files/pictures/learning-curve.png")
                        .Result

                Expect.equal answer.StatusCode HttpStatusCode.OK "there"
                Expect.equal (string answer.Content.Headers.ContentType) "image/png" "its type"

                Expect.equal
                    (answer.Content.ReadAsByteArrayAsync().Result)
                    [| 137uy; 80uy; 78uy; 71uy |]
                    "its bytes")
        }

        test "runs are compared as the command line compares them" {
            Served.three (fun _ address ->
                use found = document $"{address}/api/compare?runs=copy-seed1-001,copy-seed2-001"
                let group = (found.RootElement.GetProperty "groups")[0]

                Expect.equal
                    ((group.GetProperty "seeds").GetArrayLength())
                    2
                    "two seeds of one configuration")
        }

        test "a stream tells what is new, and ends with the run" {
            use folder = new Folder()
            use run = KeptRun.create folder.Path 1
            KeptRun.append run [ for batch in 1..10 -> KeptRun.row 0.0 batch ]

            Served.over folder.Path (fun address ->
                use stream =
                    client.Value.GetStreamAsync($"{address}/api/runs/copy-seed1-001/live?after=4").Result

                use reader = new StreamReader(stream)
                let line () = nonNull (reader.ReadLine())

                let rec until (start: string) =
                    let text = line ()
                    if text.StartsWith start then text else until start

                Expect.equal (until "id:") "id: 10" "how far it came"
                Expect.stringContains (until "data:") "\"batch\":[5,6,7,8,9,10]" "what is new"
                Expect.stringContains (until "data:") "running" "how the run stands"
                KeptRun.append run [ KeptRun.row 0.0 11 ]
                Expect.stringContains (until "data:") "\"batch\":[11]" "what came since"
                run.Update(fun record -> record.WithStatus RunStatus.Finished)
                Expect.stringContains (until "data:") "finished" "its end"
                Expect.equal (reader.ReadToEnd().Trim()) "" "and no more")
        }

        test "a run on another machine is told without its files" {
            let address = Postgres.database ()
            use folder = new Folder()
            let here = Directory.CreateDirectory(folder.File "here").FullName
            let there = Directory.CreateDirectory(folder.File "there").FullName
            let directory = KeptRun.whole here 1 5
            use source = nonNull (Store.RunStore.Open(there, address, ignore))

            using (nonNull (Store.RunStore.Open(here, address, ignore))) (fun store ->
                store.Take directory |> ignore)

            Directory.Delete(directory, true)

            let server =
                DashboardServer
                    .Start(source, (fun _ -> obj ()), 0, CancellationToken.None)
                    .GetAwaiter()
                    .GetResult()

            try
                use run = document $"{server.Address}/api/runs/copy-seed1-001"

                Expect.equal
                    (run.RootElement.GetProperty "directory").ValueKind
                    JsonValueKind.Null
                    "no folder"

                Expect.equal (string (run.RootElement.GetProperty "pictures")) "[]" "no pictures"
                use curve = document $"{server.Address}/api/runs/copy-seed1-001/curve"
                Expect.equal ((curve.RootElement.GetProperty "loss").GetArrayLength()) 5 "its numbers"
            finally
                server.DisposeAsync().AsTask().Wait()
        }
    ]

let private refusing =
    testList "refusing" [
        for host in
            [
                "evil.example"
                "evil.example:5005"
                "127.0.0.1.evil.example"
                "10.0.0.1"
                "localhost.evil.example"
                "0.0.0.0"
            ] do
            test $"the host {host} is not ours" {
                Served.three (fun _ address ->
                    let request = new HttpRequestMessage(HttpMethod.Get, $"{address}/api/runs")
                    request.Headers.Host <- host
                    let status, text = ask request
                    Expect.equal status HttpStatusCode.MisdirectedRequest "refused"
                    Expect.isFalse (text.Contains "copy-seed1") "nothing is told")
            }

        for host in [ "localhost"; "127.0.0.1"; "[::1]" ] do
            test $"the host {host} is ours" {
                Served.three (fun _ address ->
                    let request = new HttpRequestMessage(HttpMethod.Get, $"{address}/api/runs")
                    request.Headers.Host <- host
                    Expect.equal (fst (ask request)) HttpStatusCode.OK "served")
            }

        for origin in [ "http://evil.example"; "null"; "https://127.0.0.1"; "http://127.0.0.1:1"; "file://" ] do
            test $"pages of the origin {origin} are not served" {
                Served.three (fun _ address ->
                    let request = new HttpRequestMessage(HttpMethod.Get, $"{address}/api/runs")
                    request.Headers.Add("Origin", origin)
                    let status, text = ask request
                    Expect.equal status HttpStatusCode.Forbidden "refused"
                    Expect.isFalse (text.Contains "copy-seed1") "nothing is told")
            }

        test "the page's own origin is served, and no other is told that it may read" {
            Served.three (fun _ address ->
                use request = new HttpRequestMessage(HttpMethod.Get, $"{address}/api/runs")
                request.Headers.Add("Origin", address)
                use answer = client.Value.Send request
                Expect.equal answer.StatusCode HttpStatusCode.OK "served"
                Expect.isFalse (answer.Headers.Contains "Access-Control-Allow-Origin") "to this page alone"

                Expect.stringContains
                    (Seq.head (answer.Headers.GetValues "Content-Security-Policy"))
                    "default-src 'none'"
                    "a policy"

                Expect.equal
                    (List.ofSeq (answer.Headers.GetValues "X-Content-Type-Options"))
                    [ "nosniff" ]
                    "types are what they say")
        }

        for verb in [ "POST"; "PUT"; "DELETE"; "OPTIONS"; "PATCH" ] do
            test $"{verb} is refused" {
                Served.three (fun _ address ->
                    let status, _ = ask (new HttpRequestMessage(HttpMethod verb, $"{address}/api/runs"))
                    Expect.equal status HttpStatusCode.MethodNotAllowed "nothing is changed")
            }

        for path in
            [
                "/api/runs/%2e%2e"
                "/api/runs/..%2f..%2fetc"
                "/api/runs/nobody"
                "/api/runs/a%00b"
                "/api/runs/copy-seed1-001/files/pictures/..%2f..%2frun.json"
                "/api/runs/copy-seed1-001/files/pictures/../../run.json"
                "/api/runs/copy-seed1-001/files/checkpoints/last.ckpt"
                "/api/runs/copy-seed1-001/files/../run.json"
                "/api/runs/copy-seed1-001/files/pictures/%2fetc%2fpasswd"
                "/api/runs/copy-seed1-001/hold"
                "/../../etc/passwd"
                "/run.json"
            ] do
            test $"{path} gives no file" {
                Served.three (fun runs address ->
                    File.WriteAllText(
                        Path.Combine(runs, "copy-seed1-001", "checkpoints", "last.ckpt"),
                        "secret"
                    )

                    let line =
                        raw address $"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

                    Expect.isTrue (line.Contains " 404" || line.Contains " 400") line)
            }

        for path in
            [
                "/api/runs/copy-seed1-001/live?after=abc"
                "/api/runs/copy-seed1-001/live?after=99999999999999999999999"
                "/api/compare"
                "/api/compare?runs=,,"
                "/api/compare?runs=" + String.Join(",", [ for n in 1..65 -> $"r{n}" ])
            ] do
            test $"{path.Substring(0, min 60 path.Length)} is a bad request, told in a sentence" {
                Served.three (fun _ address ->
                    let status, text = get $"{address}{path}"
                    Expect.equal status HttpStatusCode.BadRequest text
                    use answer = JsonDocument.Parse text
                    Expect.stringEnds (string (answer.RootElement.GetProperty "error")) "." "a sentence")
            }

        for name, request in
            [
                "no HTTP", "nonsense\r\n\r\n"
                "no host", "GET / HTTP/1.1\r\n\r\n"
                "a header without an end",
                "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String('x', 40_000) + "\r\n\r\n"
                "an address without an end",
                "GET /" + String('a', 20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
            ] do
            test $"{name} is refused, and the server goes on" {
                Served.three (fun _ address ->
                    Expect.stringContains (raw address request) " 4" "refused"
                    Expect.equal (fst (get $"{address}/api/runs")) HttpStatusCode.OK "it goes on")
            }

        test "a port in use is told" {
            Served.three (fun runs address ->
                let port = (Uri address).Port
                use source = new RunFolders(runs)

                Faults.says<RunException> [ $"port {port}"; "--port" ] (fun () ->
                    DashboardServer
                        .Start(source, (fun _ -> obj ()), port, CancellationToken.None)
                        .GetAwaiter()
                        .GetResult()
                    |> ignore))
        }

        test "a port that is none is told" {
            use folder = new Folder()
            use source = new RunFolders(folder.Path)

            Faults.says<ConfigurationException> [ "--port"; "70000" ] (fun () ->
                DashboardServer
                    .Start(source, (fun _ -> obj ()), 70_000, CancellationToken.None)
                    .GetAwaiter()
                    .GetResult()
                |> ignore)
        }

        test "the server ends when it is told to, open streams included" {
            use folder = new Folder()
            use run = KeptRun.create folder.Path 1
            use source = new RunFolders(folder.Path)
            use ending = new CancellationTokenSource()

            let server =
                DashboardServer.Start(source, (fun _ -> obj ()), 0, ending.Token).GetAwaiter().GetResult()

            use stream = client.Value.GetStreamAsync($"{server.Address}/api/runs/{run.Record.Id}/live").Result
            ending.Cancel()
            Expect.isTrue (server.Stopped.Wait(TimeSpan.FromSeconds 10.0)) "it has ended"
            server.DisposeAsync().AsTask().Wait()
        }
    ]

let tests = testList "DashboardServer" [ reading; refusing ]
