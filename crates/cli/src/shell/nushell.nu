# credstack for nushell 0.108: credstack init nushell | save -f ~/.config/nushell/credstack.nu, and in config.nu:
# source ~/.config/nushell/credstack.nu

# Brings back what this shell had of its own.
def --env __credstack_restore [] {
    let state = $env.__credstack
    if not $state.covered { return }
    hide-env --ignore-errors ...[@NAMES@] CREDSTACK_COVERED
    load-env $state.kept
    $env.__credstack = {at: $state.at, covered: false, kept: {}}
}

# Keeps what this shell has of its own, in a record that no program is given, and takes it out of the way.
def --env __credstack_cover [] {
    __credstack_restore
    let key = $env.AWS_ACCESS_KEY_ID?
    let own = ($env | transpose name value | where name in [@NAMES@])
    let kept = ($own | reduce --fold {} {|variable, kept| $kept | insert $variable.name $variable.value })
    $env.__credstack = {at: $env.__credstack.at, covered: true, kept: $kept}
    hide-env --ignore-errors ...[@SOURCES@]
    $env.CREDSTACK_COVERED = (if ($key | is-empty) { "none" } else { $key })
}

# nushell cannot evaluate a text: what is to be done comes as data.
def --env __credstack_sync [] {
    let answer = (try { @CREDSTACK@ shell-sync nushell --mode @MODE@ --at $env.__credstack.at } catch { "" })
    if ($answer | is-empty) { return }
    let change = ($answer | from json)
    if $change.cover {
        __credstack_cover
        load-env $change.set
    } else {
        __credstack_restore
    }
    $env.__credstack.at = $change.mark
}

# What changes a stack is followed at once, when all of its output is there; anything else keeps its streams.
def --env --wrapped credstack [...words] {
    if ($words | any {|word| $word in [push pop drop use save swap clear forget stacks setup purge]}) {
        try {
            let output = (@CREDSTACK@ ...$words)
            __credstack_sync
            if ($output | is-not-empty) { $output }
        } catch {|error|
            let status = $env.LAST_EXIT_CODE
            __credstack_sync
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
    if $covered { $env.CREDSTACK_COVERED = "inherited" }
    $env.__credstack = {at: (if $covered { "inherited" } else { "" }), covered: $covered, kept: {}}
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append {|| __credstack_prompt })
}
