# credstack for bash 4.4 or later: eval "$(credstack init bash)" in ~/.bashrc
__credstack_names=(@NAMES@)
__credstack_saved= __credstack_covered= __credstack_at=

# Brings back what this shell had of its own.
__credstack_restore() {
    [[ -n $__credstack_covered ]] || return 0
    unset -v "${__credstack_names[@]}"
    eval "$__credstack_saved"
    __credstack_saved= __credstack_covered=
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
__credstack_cover() {
    __credstack_restore
    local name line
    for name in "${__credstack_names[@]}"; do
        [[ -n ${!name+set} ]] || continue
        printf -v line 'declare -g%s %s=%q\n' "${!name@a}" "$name" "${!name}"
        __credstack_saved+=$line
    done
    __credstack_covered=1
    unset -v @SOURCES@
}

__credstack_sync() {
    local code
    code=$(@CREDSTACK@ shell-sync bash --mode @MODE@ --at "$__credstack_at") && eval "$code"
}

credstack() {
    local status
    @CREDSTACK@ "$@"
    status=$?
    __credstack_sync
    return "$status"
}

__credstack_prompt() {
    local status=$?
    __credstack_sync
    return "$status"
}

if [[ " ${PROMPT_COMMAND[*]} " != *__credstack_prompt* ]]; then
    PROMPT_COMMAND=(__credstack_prompt "${PROMPT_COMMAND[@]}")
fi
