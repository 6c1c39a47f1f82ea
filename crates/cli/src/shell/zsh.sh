# credstack for zsh: eval "$(credstack init zsh)" in ~/.zshrc
typeset -ga __credstack_names=(@NAMES@)
if (( ! ${+__credstack_at} )); then
    # A shell that was started in one that follows has nothing of its own to bring back.
    typeset -g __credstack_saved= __credstack_covered=${CREDSTACK_COVERED-} __credstack_at=${CREDSTACK_COVERED:+inherited}
fi

# Brings back what this shell had of its own.
__credstack_restore() {
    emulate -L zsh
    [[ -n $__credstack_covered ]] || return 0
    unset -v $__credstack_names CREDSTACK_COVERED
    eval "$__credstack_saved"
    __credstack_saved= __credstack_covered=
}

# Keeps what this shell has of its own, unexported, and takes it out of the way.
__credstack_cover() {
    emulate -L zsh
    __credstack_restore
    local name value
    for name in $__credstack_names; do
        (( ${(P)+name} )) || continue
        value=${(P)name}
        if [[ ${(Pt)name} == *export* ]]; then
            __credstack_saved+="export $name=${(qqqq)value}"$'\n'
        else
            __credstack_saved+="typeset -g $name=${(qqqq)value}"$'\n'
        fi
    done
    __credstack_covered=1
    unset -v @SOURCES@
    export CREDSTACK_COVERED=1
}

__credstack_sync() {
    local code
    code=$(@CREDSTACK@ shell-sync zsh --mode @MODE@ --at "$__credstack_at") && eval "$code"
}

credstack() {
    @CREDSTACK@ "$@"
    local code=$?
    __credstack_sync
    return $code
}

# The shell itself keeps $?; another status than 0 would end one with ERR_EXIT.
__credstack_prompt() {
    __credstack_sync || :
}

autoload -Uz add-zsh-hook && add-zsh-hook precmd __credstack_prompt
