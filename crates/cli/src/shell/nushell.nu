# credstack for nushell 0.108: credstack init nushell | save -f ~/.config/nushell/credstack.nu, and in config.nu:
# source ~/.config/nushell/credstack.nu

# Takes variables out of the way. One that nushell was started with shows again once it was hidden and set: it becomes null,
# which no program is given.
def --env __credstack_hide [...names] {
    hide-env --ignore-errors ...$names
    load-env ($names | where {|name| $name in $env } | reduce --fold {} {|name, hidden| $hidden | insert $name null })
}

# Brings back what this shell had of its own.
def --env __credstack_restore [] {
    let state = $env.__credstack
    if not $state.covered { return }
    __credstack_hide @NAMES@ CREDSTACK_COVERED
    load-env $state.kept
    $env.__credstack = {at: ".", covered: false, kept: {}}
}

# What the shell was started with is its own, or that of something around it: a sync tells which.
def --env __credstack_begin [whose: string] {
    $env.__credstack = {at: "", covered: ($whose == "inherited"), kept: {}}
    __credstack_hide CREDSTACK_COVERED
}

# Keeps what this shell has of its own, in a record that no program is given, and takes it out of the way.
def --env __credstack_cover [] {
    __credstack_restore
    let key = $env.AWS_ACCESS_KEY_ID?
    let own = ($env | transpose name value | where name in [@NAMES@] and value != null)
    let kept = ($own | reduce --fold {} {|variable, kept| $kept | insert $variable.name $variable.value })
    $env.__credstack = {at: $env.__credstack.at, covered: true, kept: $kept}
    __credstack_hide @SOURCES@
    $env.CREDSTACK_COVERED = (if ($key | is-empty) { "none" } else { $key })
}

# nushell cannot evaluate a text: what is to be done comes as data.
def --env __credstack_sync [...options] {
    let answer = (try { @CREDSTACK@ shell-sync nushell --mode @MODE@ --at $env.__credstack.at ...$options } catch { "" })
    if ($answer | is-empty) { return }
    let change = ($answer | from json)
    if $change.begins != null { __credstack_begin $change.begins }
    if $change.then == "cover" { __credstack_cover }
    if $change.then == "restore" { __credstack_restore }
    __credstack_hide ...$change.unset
    load-env $change.set
    $env.__credstack.at = $change.mark
}

# What changes a stack is followed at once, when all of its output is there; anything else keeps its streams. That is for
# the first word to say that is a command: a program that `exec` runs may be told to push as well.
def --env --wrapped credstack [...words] {
    let words = ($words | each {|word| $word | into string })
    if "--from=env" in $words or ($words | window 2 | any {|pair| $pair == ["--from", "env"] }) {
        # The shell's own keys, for this one command. What follows brings the stack's identity back.
        __credstack_sync
        __credstack_restore
    }
    let command = ($words | where $it in [push pop drop use save swap clear forget stacks setup purge exec] | get --optional 0)
    if $command != null and $command != "exec" {
        try {
            let output = (@CREDSTACK@ ...$words)
            __credstack_sync "--typed"
            if ($output | is-not-empty) { $output }
        } catch {|error|
            let status = $env.LAST_EXIT_CODE
            __credstack_sync "--typed"
            $env.LAST_EXIT_CODE = $status
            $error.raw
        }
    } else {
        @CREDSTACK@ ...$words
    }
}

def --env __credstack_prompt [] {
    let status = $env.LAST_EXIT_CODE?
    __credstack_sync
    if $status != null { $env.LAST_EXIT_CODE = $status }
}

if "__credstack" not-in $env {
    # A shell that was started in one that follows has nothing of its own to bring back.
    let covered = ($env.CREDSTACK_COVERED? | is-not-empty)
    $env.__credstack = {at: (if $covered { "inherited" } else { "" }), covered: $covered, kept: {}}
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append {|| __credstack_prompt })
}
