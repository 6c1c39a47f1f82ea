# credstack for fish: credstack init fish | source in ~/.config/fish/config.fish
set -g __credstack_names @NAMES@
if not set -q __credstack_at
    set -g __credstack_at ''
    # A shell that was started in one that follows has nothing of its own to bring back.
    if set -q CREDSTACK_COVERED
        set -g __credstack_covered 1
        set -g __credstack_at inherited
    end
end

# Brings back what this shell had of its own.
function __credstack_restore
    set -q __credstack_covered; or return 0
    for name in $__credstack_names
        set -e -g $name
        set -l kept __credstack_kept_$name
        if set -q $kept
            if set -q __credstack_exported_$name
                set -gx $name $$kept
            else
                set -g $name $$kept
            end
            set -e -g $kept __credstack_exported_$name
        end
    end
    set -e -g __credstack_covered
    set -e -g CREDSTACK_COVERED
end

# Keeps what this shell has of its own, unexported, and takes it out of the way.
function __credstack_cover
    __credstack_restore
    for name in $__credstack_names
        set -q -g $name; or continue
        set -g __credstack_kept_$name $$name
        set -q -gx $name; and set -g __credstack_exported_$name 1
    end
    set -g __credstack_covered 1
    set -e -g @SOURCES@
    set -gx CREDSTACK_COVERED 1
end

function __credstack_sync
    @CREDSTACK@ shell-sync fish --mode @MODE@ --at "$__credstack_at" | source
end

function credstack
    @CREDSTACK@ $argv
    set -l code $status
    __credstack_sync
    return $code
end

function __credstack_prompt --on-event fish_prompt
    __credstack_sync
end
