# A stack of this terminal's own, which shells in this one share. It goes when this shell ends.
$__credstack_own = & '/usr/bin/credstack' shell-stack $PID
if ($LASTEXITCODE -eq 0) { $Env:CREDSTACK_STACK = $__credstack_own }
if (-not (Get-EventSubscriber -SourceIdentifier PowerShell.Exiting -Force -ErrorAction Ignore |
    Where-Object { "$($_.Action.Command)" -like '*shell-stack*' })) {
    Register-EngineEvent -SourceIdentifier PowerShell.Exiting -SupportEvent -Action { & '/usr/bin/credstack' shell-stack $PID --end }
}

# credstack for PowerShell: Invoke-Expression (& credstack init powershell | Out-String) in $PROFILE
$Global:__credstack_names = @('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_ACCESS_KEY', 'AWS_SECRET_KEY', 'AWS_REGION', 'AWS_DEFAULT_REGION')
if (-not (Test-Path Variable:Global:__credstack_at)) {
    # A shell that was started in one that follows has nothing of its own to bring back.
    $Global:__credstack_kept = @{}
    $Global:__credstack_covered = [bool]$Env:CREDSTACK_COVERED
    if ($Global:__credstack_covered) { $Env:CREDSTACK_COVERED = 'inherited' }
    $Global:__credstack_at = if ($Global:__credstack_covered) { 'inherited' } else { '' }
}

# Brings back what this shell had of its own.
function Global:__credstack_restore {
    if (-not $Global:__credstack_covered) { return }
    foreach ($name in $Global:__credstack_names) {
        if ($Global:__credstack_kept.ContainsKey($name)) {
            [Environment]::SetEnvironmentVariable($name, $Global:__credstack_kept[$name])
        } else {
            Remove-Item "Env:$name" -ErrorAction Ignore
        }
    }
    Remove-Item Env:CREDSTACK_COVERED -ErrorAction Ignore
    $Global:__credstack_kept = @{}
    $Global:__credstack_covered = $false
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
function Global:__credstack_cover {
    __credstack_restore
    foreach ($name in $Global:__credstack_names) {
        $value = [Environment]::GetEnvironmentVariable($name)
        if ($null -ne $value) { $Global:__credstack_kept[$name] = $value }
    }
    $Global:__credstack_covered = $true
    foreach ($name in 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN', 'AWS_CREDENTIAL_EXPIRATION', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_ACCESS_KEY', 'AWS_SECRET_KEY') { Remove-Item "Env:$name" -ErrorAction Ignore }
    $key = $Global:__credstack_kept['AWS_ACCESS_KEY_ID']
    $Env:CREDSTACK_COVERED = if ($key) { $key } else { 'none' }
}

function Global:__credstack_sync {
    $code = & '/usr/bin/credstack' shell-sync powershell --mode profile "--at=$Global:__credstack_at" | Out-String
    if ($LASTEXITCODE -eq 0 -and $code.Trim()) { Invoke-Expression $code }
}

function Global:credstack {
    if ($args -contains '--from=env' -or " $args " -like '* --from env *') {
        # The shell's own keys, for this one command. What follows brings the stack's identity back.
        __credstack_restore
        $Global:__credstack_at = ''
    }
    if ($MyInvocation.ExpectingInput) { $input | & '/usr/bin/credstack' @args } else { & '/usr/bin/credstack' @args }
    $status = $LASTEXITCODE
    __credstack_sync
    $Global:LASTEXITCODE = $status
}

# The prompt that was there before comes after, with the same $? and $LASTEXITCODE.
if (-not (Test-Path Variable:Global:__credstack_prompt)) {
    $Global:__credstack_prompt = $Function:prompt
    function Global:prompt {
        $succeeded, $status = $?, $Global:LASTEXITCODE
        __credstack_sync
        $Global:LASTEXITCODE = $status
        if (-not $succeeded) { Write-Error '' -ErrorAction Ignore }
        & $Global:__credstack_prompt
    }
}
