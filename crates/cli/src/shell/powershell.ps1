# credstack for PowerShell: Invoke-Expression (& credstack init powershell | Out-String) in $PROFILE
#
# `credstack` is the program itself, and no function: what is typed reaches it as typed, and $?, && and || tell of it. The
# shell is brought up to date where PowerShell looks up `prompt`, and after `credstack` before the next command is run.
Set-Alias -Scope Global -Force -Name credstack -Value @PROGRAM@
$Global:__credstack_names = @(@NAMES@)
if (-not (Test-Path Variable:Global:__credstack_at)) {
    # A shell that was started in one that follows has nothing of its own to bring back.
    $Global:__credstack_kept = @{}
    $Global:__credstack_covered = [bool]$Env:CREDSTACK_COVERED
    $Global:__credstack_at = if ($Global:__credstack_covered) { 'inherited' } else { '' }
    # Whether credstack was looked up and the shell is not up to date since, and whether we are at work ourselves.
    $Global:__credstack_awaited = $false
    $Global:__credstack_busy = $false
    $Global:__credstack_line = ''
}

# What the shell was started with is its own, or that of something around it: a sync tells which.
function Global:__credstack_begin([string] $Whose) {
    $Global:__credstack_kept = @{}
    $Global:__credstack_covered = $Whose -eq 'inherited'
    Remove-Item Env:CREDSTACK_COVERED -ErrorAction Ignore
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
    $Global:__credstack_at = '.'
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
function Global:__credstack_cover {
    __credstack_restore
    foreach ($name in $Global:__credstack_names) {
        $value = [Environment]::GetEnvironmentVariable($name)
        if ($null -ne $value) { $Global:__credstack_kept[$name] = $value }
    }
    $Global:__credstack_covered = $true
    foreach ($name in @SOURCES@) { Remove-Item "Env:$name" -ErrorAction Ignore }
    $key = $Global:__credstack_kept['AWS_ACCESS_KEY_ID']
    $Env:CREDSTACK_COVERED = if ($key) { $key } else { 'none' }
}

function Global:__credstack_sync([string[]] $Options) {
    # What is preferred at an error is for the user's own commands.
    $PSNativeCommandUseErrorActionPreference = $false
    $ErrorActionPreference = 'Continue'
    $status = $Global:LASTEXITCODE
    $code = @CREDSTACK@ shell-sync powershell --mode @MODE@ "--at=$Global:__credstack_at" @Options | Out-String
    if ($LASTEXITCODE -eq 0 -and $code.Trim()) { Invoke-Expression $code }
    $Global:LASTEXITCODE = $status
}

# `--from env` is the shell's own keys, for one command: what is kept goes along under names that mean nothing to anything
# but credstack. Its words are not known here, but for the line that they are on.
function Global:__credstack_lend([string] $Line) {
    if (-not $Global:__credstack_covered -or $Line -notmatch '--from|[@$(]') { return }
    foreach ($name in $Global:__credstack_kept.Keys) {
        [Environment]::SetEnvironmentVariable("CREDSTACK_OWN_$name", $Global:__credstack_kept[$name])
    }
    $Env:CREDSTACK_OWN = 'lent'
}

function Global:__credstack_take_back {
    if (Test-Path Env:CREDSTACK_OWN) { Remove-Item Env:CREDSTACK_OWN, Env:CREDSTACK_OWN_* }
}

# Whether a command is the program, by its name or an alias of it.
function Global:__credstack_is($Command) {
    if ($Command -is [Management.Automation.AliasInfo]) { $Command = $Command.ResolvedCommand }
    $Command -is [Management.Automation.ApplicationInfo] -and
        ($Command.Source -eq @PROGRAM@ -or $Command.Name -match '^credstack(\.exe)?$')
}

# At each look-up that may concern us. That credstack has ended is seen by its exit status: until then there is one of
# another type, which looks the same. So nothing happens within its pipeline, whose commands are looked up before it runs.
function Global:__credstack_looked_up([string] $Name, $Command, [string] $Line) {
    if ($Name -eq 'prompt' -or ($Global:__credstack_awaited -and $Global:LASTEXITCODE -isnot [long])) {
        __credstack_take_back
        $changes = '\b(push|pop|drop|use|save|swap|clear|forget|stacks|setup|purge)\b'
        __credstack_sync $(if ($Global:__credstack_awaited -and $Global:__credstack_line -match $changes) { '--typed' })
        $Global:__credstack_awaited = $false
    }
    if (__credstack_is $Command) {
        @OPTIONS@
        __credstack_lend $Line
        $Global:__credstack_line = $Line
        $Global:LASTEXITCODE = [long]$Global:LASTEXITCODE
        $Global:__credstack_awaited = $true
    }
}

if (-not (Test-Path Variable:Global:__credstack_action)) {
    $Global:__credstack_action = [EventHandler[Management.Automation.CommandLookupEventArgs]] {
        # This is run at every look-up. Where there is nothing to do it leaves $? alone.
        if ($Global:__credstack_busy -or -not ($Global:__credstack_awaited -or $args[0] -eq 'prompt' -or
            $args[0] -like '*credstack*' -or
            ($args[1].Command -is [Management.Automation.AliasInfo] -and $args[1].Command.Definition -like '*credstack*'))) {
            return
        }
        $succeeded = $?
        $Global:__credstack_busy = $true
        try {
            __credstack_looked_up $args[0] $args[1].Command (Get-PSCallStack)[1].Position.Text
        } finally {
            $Global:__credstack_busy = $false
        }
        if (-not $succeeded) { Write-Error '' -ErrorAction Ignore }
    }
}
# Beside what there is already.
if (@($ExecutionContext.InvokeCommand.PostCommandLookupAction.ForEach{ $_.GetInvocationList() }) -notcontains
    $Global:__credstack_action) {
    $ExecutionContext.InvokeCommand.PostCommandLookupAction = [Delegate]::Combine(
        $ExecutionContext.InvokeCommand.PostCommandLookupAction, $Global:__credstack_action)
}
