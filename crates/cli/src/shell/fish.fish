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

# What the shell was started with is its own, or that of something around it: a sync tells which.
function __credstack_begin
    set -e -g __credstack_covered
    test "$argv" = inherited; and set -g __credstack_covered 1
    for name in $__credstack_names
        set -e -g __credstack_kept_$name __credstack_exported_$name
    end
    set -e -g CREDSTACK_COVERED
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
    set -g __credstack_at .
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
    set -l code (@CREDSTACK@ shell-sync fish --mode @MODE@ --at "$__credstack_at" $argv)
    test -z "$code"; or printf '%s\n' $code | source
end

function credstack
    if string match -q -- '* --from env *' " $argv "; or contains -- --from=env $argv
        # The shell's own keys, for this one command. What follows brings the stack's identity back.
        __credstack_sync
        __credstack_restore
    end
    set -l typed
    for word in $argv
        # A program that `exec` runs may be told to push as well.
        test "$word" = exec; and break
        if contains -- $word push pop drop use save swap clear forget stacks setup purge
            set typed --typed
            break
        end
    end
    @CREDSTACK@ $argv
    set -l code $status
    __credstack_sync $typed
    return $code
end

function __credstack_prompt --on-event fish_prompt
    __credstack_sync
end
