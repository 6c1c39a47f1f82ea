# credstack for fish: credstack init fish | source in ~/.config/fish/config.fish
set -g __credstack_names @NAMES@
if not set -q __credstack_at
    set -g __credstack_at ''
    # A shell that was started in one that follows has nothing of its own to bring back.
    if set -q CREDSTACK_COVERED
        set -g __credstack_covered 1
        set -g __credstack_at inherited
        set -gx CREDSTACK_COVERED inherited
    end
end

# Whether every variable can be taken away. Which cannot is said once, and the shell stays as it is: an exported universal
# variable is hidden by nothing but an exported one.
function __credstack_is_free
    set -l held
    for name in @SOURCES@
        test "$name @MODE@" = 'AWS_PROFILE profile'; and continue
        set -q -Ux $name; and set -a held $name
    end
    if test -n "$held"; and test "$held" != "$__credstack_held"
        echo "warning: this shell cannot follow the stack: universal: $(string join ', ' $held); make them global" >&2
    end
    set -g __credstack_held $held
    test -z "$held"
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
    set -l own none
    set -q -gx AWS_ACCESS_KEY_ID; and test -n "$AWS_ACCESS_KEY_ID"; and set own $AWS_ACCESS_KEY_ID
    for name in $__credstack_names
        set -q -g $name; or continue
        set -g __credstack_kept_$name $$name
        set -q -gx $name; and set -g __credstack_exported_$name 1
    end
    set -g __credstack_covered 1
    set -e -g @SOURCES@
    set -gx CREDSTACK_COVERED $own
end

function __credstack_sync
    set -l code (@CREDSTACK@ shell-sync fish --mode @MODE@ --at "$__credstack_at")
    test -z "$code"; or not __credstack_is_free; or printf '%s\n' $code | source
end

function credstack
    if string match -q -- '* --from env *' " $argv "; or contains -- --from=env $argv
        # The shell's own keys, for this one command. What follows brings the stack's identity back.
        __credstack_restore
        set -g __credstack_at ''
    end
    @CREDSTACK@ $argv
    set -l code $status
    __credstack_sync
    return $code
end

function __credstack_prompt --on-event fish_prompt
    __credstack_sync
end
