# credstack for bash 4.4 or later: eval "$(credstack init bash)" in ~/.bashrc
__credstack_names=(@NAMES@)
if [[ -z ${__credstack_at+set} ]]; then
    # A shell that was started in one that follows has nothing of its own to bring back.
    __credstack_saved='' __credstack_covered=${CREDSTACK_COVERED-} __credstack_at=${CREDSTACK_COVERED:+inherited}
    __credstack_held=''
    declare -g +x __credstack_saved __credstack_covered __credstack_at __credstack_held
fi

# What the shell was started with is its own, or that of something around it: a sync tells which.
__credstack_begin() {
    __credstack_saved='' __credstack_covered=''
    [[ $1 != inherited ]] || __credstack_covered=1
    unset -v CREDSTACK_COVERED
}

# Whether every variable can be changed. Which cannot is said once, and the shell stays as it is.
__credstack_is_free() {
    local name pattern list held='' why
    list=$'\n'$(readonly -p)$'\n'
    for name in "${__credstack_names[@]}"; do
        pattern=$'\n[^=]* '$name$'[=\n]'
        [[ $list =~ $pattern ]] && held+="${held:+, }$name"
    done
    why="readonly: $held; start one without"
    if [[ -z $held ]]; then
        # Only by trying can it be told whether a name is a running function's own, and only a subshell may try.
        held=$(
            for name in "${__credstack_names[@]}"; do
                declare -g "$name=1"
                [[ ${!name-} == 1 ]] || held+="${held:+, }$name"
            done
            printf '%s' "$held"
        )
        why="local to a function: $held; it does after that"
    fi
    [[ -z $held || $held == "$__credstack_held" ]] || printf 'warning: this shell cannot follow the stack: %s\n' "$why" >&2
    __credstack_held=$held
    [[ -z $held ]]
}

# Brings back what this shell had of its own.
__credstack_restore() {
    [[ -n $__credstack_covered ]] || return 0
    unset -v "${__credstack_names[@]}" CREDSTACK_COVERED
    eval "$__credstack_saved"
    __credstack_saved='' __credstack_covered='' __credstack_at=.
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
__credstack_cover() {
    __credstack_restore
    local name line own=none
    for name in "${__credstack_names[@]}"; do
        [[ -n ${!name+set} ]] || continue
        printf -v line 'declare -g%s %s=%q\n' "${!name@a}" "$name" "${!name}"
        __credstack_saved+=$line
        [[ $name != AWS_ACCESS_KEY_ID || ${!name@a} != *x* ]] || own=${!name:-none}
    done
    __credstack_covered=1
    unset -v @SOURCES@
    export CREDSTACK_COVERED="$own"
}

# What is followed is exported by name, assigned by the shell, and not traced: it may be a secret.
__credstack_follow() {
    local -
    set +akvx
    eval "$1"
}

__credstack_sync() {
    local - code
    set +vx
    code=$(@CREDSTACK@ shell-sync bash --mode @MODE@ --at "$__credstack_at" "$@") || return
    [[ -z $code ]] || __credstack_follow "$code"
}

# Written so that an alias of this name does not take its place.
function credstack {
    local status word typed=()
    case " $* " in
    # The shell's own keys, for this one command. What follows brings the stack's identity back.
    *" --from env "* | *" --from=env "*)
        ! __credstack_sync || __credstack_follow '! __credstack_is_free || __credstack_restore' || :
        ;;
    esac
    # A program that `exec` runs may be told to push as well.
    for word; do
        case $word in
        exec) break ;;
        push | pop | drop | use | save | swap | clear | forget | stacks | setup | purge) typed=(--typed) && break ;;
        esac
    done
    @CREDSTACK@ "$@"
    status=$?
    __credstack_sync "${typed[@]}" || :
    return "$status"
}

# The shell itself keeps $?; another status than 0 would end one with `set -e`.
__credstack_prompt() {
    __credstack_sync || :
}

if [[ ${PROMPT_COMMAND[*]-} != *__credstack_prompt* ]]; then
    PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__credstack_prompt"
fi
