# A stack of this terminal's own, which shells in this one share. It goes when this shell ends.
$__credstack_own = @CREDSTACK@ shell-stack $PID
if ($LASTEXITCODE -eq 0) { $Env:CREDSTACK_STACK = $__credstack_own }
if (-not (Get-EventSubscriber -SourceIdentifier PowerShell.Exiting -Force -ErrorAction Ignore |
    Where-Object { "$($_.Action.Command)" -like '*shell-stack*' })) {
    Register-EngineEvent -SourceIdentifier PowerShell.Exiting -SupportEvent -Action { @CREDSTACK@ shell-stack $PID --end }
}

