# Installs yodel on Windows: picks the archive for this system, verifies it, and
# puts the program into %LOCALAPPDATA%\Programs\yodel.
#
#   powershell -ExecutionPolicy Bypass -File install.ps1 [-Dir DIR] [-From URL]
#
# -From is where the archives of a release and their SHA256SUMS are, a URL or a
# folder; the install.ps1 of a release knows its own.
param(
    [string]$Dir = (Join-Path $env:LOCALAPPDATA 'Programs\yodel'),
    [string]$From = ''
)

$Release = ''

# All in a function: what was downloaded only in part does nothing.
function Install-Yodel {
    param([string]$Dir, [string]$Release)

    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue' # Windows PowerShell downloads slowly while it shows progress.
    [Net.ServicePointManager]::SecurityProtocol =
        [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

    if (-not $Release) { throw 'say with -From URL where the release is' }
    $processor = $env:PROCESSOR_ARCHITECTURE
    if ($env:PROCESSOR_ARCHITEW6432) { $processor = $env:PROCESSOR_ARCHITEW6432 } # Seen by 32 bits.
    switch ($processor) {
        'AMD64' { $machine = 'x86_64' }
        'ARM64' { $machine = 'aarch64' }
        default { throw "there is no archive for $processor" }
    }

    function Get-File([string]$Name, [string]$To) {
        try {
            if ($Release -match '^https?://') {
                Invoke-WebRequest -UseBasicParsing -Uri "$Release/$Name" -OutFile $To
            } else {
                Copy-Item -LiteralPath (Join-Path $Release $Name) -Destination $To
            }
        } catch {
            throw "cannot download $Release/${Name}: $($_.Exception.Message)"
        }
    }

    # A relative folder is one beside the others here, for the parts of .NET as well.
    $Dir = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Dir)
    $work = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    $new = Join-Path $Dir 'yodel.new.exe'
    New-Item -ItemType Directory -Path $work | Out-Null
    try {
        Get-File -Name 'SHA256SUMS' -To (Join-Path $work 'SHA256SUMS')
        $line = Get-Content -LiteralPath (Join-Path $work 'SHA256SUMS') |
            Where-Object { $_ -match "  yodel-\S*-$machine-pc-windows-msvc\.zip$" } |
            Select-Object -First 1
        if (-not $line) { throw "$Release has no archive for $machine-pc-windows-msvc" }
        $sum, $archive = $line -split '  ', 2
        $zip = Join-Path $work $archive
        Get-File -Name $archive -To $zip
        if ((Get-FileHash -LiteralPath $zip -Algorithm SHA256).Hash -ne $sum) {
            throw "$archive has the wrong checksum: not installed"
        }

        $name = $archive -replace '\.zip$', ''
        Expand-Archive -LiteralPath $zip -DestinationPath $work
        New-Item -ItemType Directory -Force -Path $Dir | Out-Null
        # Moved into place only when it starts here.
        Copy-Item -LiteralPath (Join-Path (Join-Path $work $name) 'yodel.exe') -Destination $new
        & $new --version | Out-Null
        if ($LASTEXITCODE -ne 0) { throw "the program of $archive does not start on this system" }
        $program = Join-Path $Dir 'yodel.exe'
        try {
            Move-Item -Force -LiteralPath $new -Destination $program
        } catch {
            throw "cannot replace ${program}: end the yodel that runs"
        }

        "installed $name as $program"
        if (($env:PATH -split ';') -notcontains $Dir) {
            "$Dir is not in your PATH: add it, or start $program"
        }
    } finally {
        Remove-Item -Recurse -Force -LiteralPath $work
        if (Test-Path -LiteralPath $new) { Remove-Item -Force -LiteralPath $new }
    }
}

if ($From) { $Release = $From.TrimEnd('/', '\') }
try {
    Install-Yodel -Dir $Dir -Release $Release
} catch {
    # Without a file of its own it was read from a pipe, and would end the shell that reads it.
    if (-not $PSCommandPath) { throw }
    [Console]::Error.WriteLine("install.ps1: $($_.Exception.Message)")
    exit 1
}
