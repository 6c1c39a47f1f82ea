# credstack for bash 4.4 or later: eval "$(credstack init bash)" in ~/.bashrc
__credstack_names=(@NAMES@)
if [[ -z ${__credstack_at+set} ]]; then
    # A shell that was started in one that follows has nothing of its own to bring back.
    __credstack_saved= __credstack_covered=${CREDSTACK_COVERED-} __credstack_at=${CREDSTACK_COVERED:+inherited}
fi

# Brings back what this shell had of its own.
__credstack_restore() {
    [[ -n $__credstack_covered ]] || return 0
    local -
    set +a
    unset -v "${__credstack_names[@]}" CREDSTACK_COVERED
    eval "$__credstack_saved"
    __credstack_saved= __credstack_covered=
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
__credstack_cover() {
    __credstack_restore
    local - name line
    set +a
    for name in "${__credstack_names[@]}"; do
        [[ -n ${!name+set} ]] || continue
        printf -v line 'declare -g%s %s=%q\n' "${!name@a}" "$name" "${!name}"
        __credstack_saved+=$line
    done
    __credstack_covered=1
    unset -v @SOURCES@
    export CREDSTACK_COVERED=1
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

# The shell itself keeps $?; another status than 0 would end one with `set -e`.
__credstack_prompt() {
    __credstack_sync || :
}

if [[ ${PROMPT_COMMAND[*]-} != *__credstack_prompt* ]]; then
    PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND; }__credstack_prompt"
fi
