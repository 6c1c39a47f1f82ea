# Whether a push and a pop undo each other in a real PowerShell: pwsh -NoProfile -File scripts/check-powershell.ps1 PROGRAM
#
# It asks no server: the credential set that it pushes is imported.
param([Parameter(Mandatory)] [string] $Program)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
$Program = (Resolve-Path $Program).Path
$scratch = Join-Path ([IO.Path]::GetTempPath()) "credstack-check-$PID"
New-Item -ItemType Directory $scratch | Out-Null

function Check([string] $What, $Expected, $Found) {
    if ("$Expected" -cne "$Found") { throw "${What}: expected '$Expected', found '$Found'" }
    Write-Host "ok: $What"
}

# A shell follows before the next command is run, which an expression is not.
function Show-Variable([string] $Name) { [Environment]::GetEnvironmentVariable($Name) }

function Show-Environment {
    $variables = [Environment]::GetEnvironmentVariables()
    $names = $variables.Keys | Where-Object { $_ -like 'AWS_*' } | Sort-Object
    ($names | ForEach-Object { "$_=[$($variables[$_])]" }) -join "`n"
}

try {
    foreach ($name in @([Environment]::GetEnvironmentVariables().Keys) -like 'AWS_*') { Remove-Item "Env:$name" }
    $Env:HOME = $scratch
    $Env:CREDSTACK_STATE_DIR = Join-Path $scratch state
    $Env:AWS_CONFIG_FILE = Join-Path $scratch config
    $Env:AWS_EC2_METADATA_DISABLED = 'true'
    $Env:AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1'
    $Env:AWS_MAX_ATTEMPTS = '1'
    $Env:AWS_ROLE_SESSION_NAME = "it's `$HOME `"quoted`" é"
    & $Program --quiet setup --store vault --key-file (Join-Path $scratch vault.key)
    & $Program --quiet setup profile
    & $Program --quiet setup profile --per-shell
    $keys = '{"Version": 1, "AccessKeyId": "ASIAFAKEFAKEFAKEFAKE", "SecretAccessKey": "fake", "SessionToken": "fake"}'
    $keys | & $Program --quiet --stack other push import
    Check 'an import' 0 $LASTEXITCODE

    Invoke-Expression (& $Program init powershell | Out-String)
    $before = Show-Environment
    credstack --quiet use c1
    Check 'use takes effect at once' 'credstack' (Show-Variable AWS_PROFILE)
    Check 'what says who somebody is is covered' '' (Show-Variable AWS_ROLE_SESSION_NAME)
    Check 'output goes on into a pipe' 2 @((credstack --json list | ConvertFrom-Json).frames).Count
    credstack --quiet pop
    Check 'pop undoes it' $before (Show-Environment)
    credstack --quiet pop 2>$null
    Check 'the exit status is the command''s own' 3 $LASTEXITCODE

    # As another shell does it: no command of this one.
    [Diagnostics.Process]::Start($Program, '--quiet use c1').WaitForExit()
    Check 'what another shell does is not followed at once' '' (Show-Variable AWS_PROFILE)
    $Global:LASTEXITCODE = 3
    prompt | Out-Null
    Check 'but at the next prompt' 'credstack' (Show-Variable AWS_PROFILE)
    Check 'and the exit status is still there' 3 $LASTEXITCODE
    credstack --quiet pop
    Check 'pop undoes that too' $before (Show-Environment)

    # PowerShell below 7.5 cannot have an empty variable.
    if ($PSVersionTable.PSVersion -ge [Version] '7.5') {
        [Environment]::SetEnvironmentVariable('AWS_ROLE_ARN', '')
        $before = Show-Environment
        credstack --quiet use c1
        credstack --quiet pop
        Check 'unset and empty are told apart' $before (Show-Environment)
    }

    # Where PowerShell is a tool of .NET, its process is `dotnet`.
    $shell = (Get-Process -Id $PID).Path
    if ([IO.Path]::GetFileNameWithoutExtension($shell) -notin 'pwsh', 'powershell') { $shell = (Get-Command pwsh).Source }
    $script = "Invoke-Expression (& '$Program' init powershell --per-shell | Out-String)
        credstack --quiet use c1; Write-Output `$Env:CREDSTACK_STACK; `$Env:AWS_PROFILE"
    $shown = & $shell -NoProfile -Command $script
    Check 'a shell has a stack of its own' 'True credstack-shell' "$($shown[0] -like 'shell-*') $($shown[1])"
    $left = (& $Program --json stacks | ConvertFrom-Json).stacks.name -like 'shell-*'
    Check 'which goes with it' '' "$left"
} finally {
    Remove-Item -Recurse -Force $scratch
}
