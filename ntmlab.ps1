# The launcher for Windows, called by ntmlab.cmd: it does what 'ntmlab' does elsewhere, in the same steps.
# '--prepare' prepares in silence and stops, so that ntmlab.cmd can hand over the arguments untouched.
Set-StrictMode -Version 2
$oldestSdk = 10
$root = $PSScriptRoot
$program = Join-Path $root 'artifacts/bin/NtmLab.Cli/release/ntmlab.dll'
$built = Join-Path $root 'artifacts/ntmlab.built'
$restored = Join-Path $root 'artifacts/ntmlab.restored'
$env:NTMLAB_ROOT = $root
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$env:DOTNET_NOLOGO = '1'

function Say($text) { [Console]::Error.WriteLine("ntmlab: $text") }
function Stop-Here($text) { Say $text; exit 1 }

function Get-Sdks {
    if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
        Stop-Here "'dotnet' is not on the PATH; install .NET SDK $oldestSdk or newer."
    }
    Push-Location $root
    $sdks = @(dotnet --list-sdks)
    Pop-Location
    foreach ($line in $sdks) {
        if ($line -match '^(\d+)\.' -and [int]$Matches[1] -ge $oldestSdk) { return $sdks -join "`n" }
    }
    Stop-Here "no .NET SDK $oldestSdk or newer is installed (found: $($sdks -join ', ')); install one."
}

# The files that decide what the build gives.
function Get-Inputs {
    $single = 'Directory.Build.props', 'Directory.Build.targets', 'Directory.Solution.targets', 'paket.lock',
        '.config/dotnet-tools.json', 'global.json', 'NuGet.config' | ForEach-Object { Join-Path $root $_ }
    $single | Where-Object { Test-Path $_ } | ForEach-Object { [IO.FileInfo]$_ }
    foreach ($path in [IO.Directory]::EnumerateFiles((Join-Path $root 'src'), '*', 'AllDirectories')) {
        if ($path -notmatch '[\\/](obj|bin)[\\/]|[\\/]\.[^\\/]*$|~$') { [IO.FileInfo]$path }
    }
}

# A stamp holds what its step was done with; its time is that at which the step began.
function Test-Stamp($stamp, $identity, $files) {
    if (-not (Test-Path $stamp)) { return $false }
    if ([IO.File]::ReadAllText($stamp) -cne $identity) { return $false }
    $time = [IO.File]::GetLastWriteTimeUtc($stamp)
    return @($files | Where-Object { $_.LastWriteTimeUtc -gt $time }).Count -eq 0
}

function Get-Identity($sdks, $files) { (@($root, $sdks) + @($files | ForEach-Object { $_.FullName })) -join "`n" }

function Test-Built($sdks) {
    $files = @(Get-Inputs)
    return (Test-Path $program) -and (Test-Stamp $built (Get-Identity $sdks $files) $files)
}

function Test-Restored($sdks) {
    $files = @(Get-Inputs | Where-Object { 'paket.lock', 'paket.references', 'dotnet-tools.json' -contains $_.Name })
    return (Test-Path (Join-Path $root '.paket/Paket.Restore.targets')) -and (Test-Stamp $restored "$root`n$sdks" $files)
}

function Set-Feed {
    if ($env:NTMLAB_FEED) { return }
    Push-Location $root
    $enabled = @(dotnet nuget list source --format short | Where-Object { $_ -cmatch '^E[A-Z]*\s' })
    Pop-Location
    if ($enabled.Count -eq 0) {
        Stop-Here "no NuGet package source is enabled; add one with 'dotnet nuget add source', or set NTMLAB_FEED."
    }
    $env:NTMLAB_FEED = ($enabled[0] -replace '^E[A-Z]*\s+', '').Trim()
}

# Runs dotnet in the root, silent unless it fails.
function Invoke-Step($what, [string[]]$arguments) {
    $language = $env:DOTNET_CLI_UI_LANGUAGE
    $env:DOTNET_CLI_UI_LANGUAGE = 'en'
    Push-Location $root
    $output = @(& dotnet @arguments 2>&1 | ForEach-Object { "$_" })
    $status = $LASTEXITCODE
    Pop-Location
    $env:DOTNET_CLI_UI_LANGUAGE = $language
    if ($status -eq 0) { return }
    Say "$what failed:"
    $output | ForEach-Object { $_.Replace("$root$([IO.Path]::DirectorySeparatorChar)", '') -replace ' \[[^\]]*proj\]$', '' } |
        Where-Object { $_.Trim() -and $_ -notmatch '^Build FAILED|^ *\d+ (Warning|Error)\(s\)$|^Time Elapsed' } |
        Select-Object -Unique | ForEach-Object { [Console]::Error.WriteLine($_) }
    exit 1
}

function Lock-Build {
    $path = Join-Path $root 'artifacts/ntmlab.lock'
    $told = $false
    [void][IO.Directory]::CreateDirectory((Split-Path $path))
    while ($true) {
        try { return [IO.File]::Open($path, 'OpenOrCreate', 'ReadWrite', 'None') }
        catch [IO.IOException] {
            if (-not $told) { Say 'waiting for another ntmlab that is building...'; $told = $true }
            Start-Sleep -Milliseconds 300
        }
    }
}

function Build-All($sdks) {
    $lock = Lock-Build
    try {
        if (Test-Built $sdks) { return }
        if (Test-Path $program) { Say 'building what changed...' }
        else { Say 'preparing (the first time takes about a minute)...' }
        Set-Feed
        $identity = Get-Identity $sdks @(Get-Inputs)
        $began = [DateTime]::UtcNow
        if (-not (Test-Restored $sdks)) {
            Invoke-Step 'restoring the tools' @('tool', 'restore')
            Invoke-Step 'restoring the packages' @('paket', 'restore')
            [IO.File]::WriteAllText($restored, "$root`n$sdks")
            [IO.File]::SetLastWriteTimeUtc($restored, $began)
        }
        if (Test-Path $built) { [IO.File]::Delete($built) }
        Invoke-Step 'the build' @('build', 'src/NtmLab.Cli/NtmLab.Cli.fsproj', '-c', 'Release', '--nologo', '-v', 'quiet',
            '-tl:off', '-clp:NoSummary', '-nodeReuse:false', '-p:UseSharedCompilation=false')
        if (-not (Test-Path $program)) { Stop-Here "the build gave no '$program'." }
        [IO.File]::WriteAllText($built, $identity)
        [IO.File]::SetLastWriteTimeUtc($built, $began)
    }
    finally { $lock.Dispose() }
}

# Paket writes the feed's address into paket.lock; the variable goes back in its place.
function Invoke-Paket($arguments) {
    Set-Feed
    Push-Location $root
    dotnet tool restore | Out-Null
    if ($LASTEXITCODE -ne 0) { Stop-Here "restoring the tools failed; 'dotnet tool restore' says why." }
    dotnet paket @arguments
    $status = $LASTEXITCODE
    Pop-Location
    $lockFile = Join-Path $root 'paket.lock'
    if (Test-Path $lockFile) {
        $text = [IO.File]::ReadAllText($lockFile)
        $nuget = $false
        $lines = foreach ($line in $text -split "`r?`n") {
            if ($line -cmatch '^[A-Z]') { $nuget = $line -cmatch '^NUGET' }
            if ($nuget -and $line -cmatch '^  remote: ') { '  remote: %NTMLAB_FEED%' } else { $line }
        }
        $mended = $lines -join "`n"
        if ($mended -cne $text) { [IO.File]::WriteAllText($lockFile, $mended) }
    }
    exit $status
}

$verb = if ($args.Count -gt 0) { $args[0] } else { '' }
$sdks = Get-Sdks
if ($verb -ceq 'paket') { Invoke-Paket @($args | Select-Object -Skip 1) }
if (-not (Test-Built $sdks)) { Build-All $sdks }
if ($verb -ceq '--prepare') { exit 0 }
if ($verb -ceq 'setup') { Say 'ready.'; exit 0 }
dotnet $program @args
exit $LASTEXITCODE
