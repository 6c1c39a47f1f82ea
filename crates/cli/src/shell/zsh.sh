# credstack for zsh: eval "$(credstack init zsh)" in ~/.zshrc
() {
    emulate -L zsh
    typeset -ga __credstack_names=(@NAMES@)
    (( ! ${+__credstack_at} )) || return 0
    # A shell that was started in one that follows has nothing of its own to bring back.
    typeset -g __credstack_saved= __credstack_covered=${CREDSTACK_COVERED-} __credstack_at=${CREDSTACK_COVERED:+inherited}
    typeset -g __credstack_held=
}

# What the shell was started with is its own, or that of something around it: a sync tells which.
__credstack_begin() {
    emulate -L zsh
    __credstack_saved= __credstack_covered=
    [[ $1 != inherited ]] || __credstack_covered=1
    unset -v CREDSTACK_COVERED
}

# Whether every variable can be changed. Which cannot is said once, and the shell stays as it is.
__credstack_is_free() {
    emulate -L zsh
    local name held= own= why
    for name in $__credstack_names; do
        [[ ${(Pt)name} == *readonly* ]] && held+=${held:+, }$name
        [[ ${(Pt)name} == *local* ]] && own+=${own:+, }$name
    done
    why="readonly: $held; start one without"
    [[ -n $held ]] || held=$own why="local to a function: $own; it does after that"
    [[ -z $held || $held == $__credstack_held ]] || print -ru2 "warning: this shell cannot follow the stack: $why"
    __credstack_held=$held
    [[ -z $held ]]
}

# Brings back what this shell had of its own.
__credstack_restore() {
    emulate -L zsh
    [[ -n $__credstack_covered ]] || return 0
    unset -v $__credstack_names CREDSTACK_COVERED
    eval "$__credstack_saved"
    __credstack_saved= __credstack_covered= __credstack_at=.
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
__credstack_cover() {
    emulate -L zsh
    __credstack_restore
    local name value own=none
    for name in $__credstack_names; do
        (( ${(P)+name} )) || continue
        value=${(P)name}
        if [[ ${(Pt)name} == *export* ]]; then
            __credstack_saved+="export $name=${(qqqq)value}"$'\n'
            [[ $name != AWS_ACCESS_KEY_ID ]] || own=${value:-none}
        else
            __credstack_saved+="typeset -g $name=${(qqqq)value}"$'\n'
        fi
    done
    __credstack_covered=1
    unset -v @SOURCES@
    export CREDSTACK_COVERED=$own
}

# What is followed is assigned by zsh's own rules, and not traced: it may be a secret.
__credstack_follow() {
    emulate -L zsh
    unsetopt xtrace verbose
    eval "$1"
}

__credstack_sync() {
    emulate -L zsh
    unsetopt xtrace verbose
    local code
    code=$(@CREDSTACK@ shell-sync zsh --mode @MODE@ --at "$__credstack_at" "$@") || return
    [[ -z $code ]] || __credstack_follow "$code"
}

# Written so that an alias of this name does not take its place.
function credstack {
    local code word typed=
    case " $* " in
    # The shell's own keys, for this one command. What follows brings the stack's identity back.
    *" --from env "* | *" --from=env "*) __credstack_sync && __credstack_follow '! __credstack_is_free || __credstack_restore' || : ;;
    esac
    # A program that `exec` runs may be told to push as well.
    for word in "$@"; do
        case $word in
        exec) break ;;
        push | pop | drop | use | save | swap | clear | forget | stacks | setup | purge) typed=--typed && break ;;
        esac
    done
    @CREDSTACK@ "$@"
    code=$?
    __credstack_sync ${typed:+"$typed"} || :
    return $code
}

# The shell itself keeps $?; another status than 0 would end one with ERR_EXIT.
__credstack_prompt() {
    __credstack_sync || :
}

autoload -Uz add-zsh-hook && add-zsh-hook precmd __credstack_prompt
