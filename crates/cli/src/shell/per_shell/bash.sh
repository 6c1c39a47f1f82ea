# A stack of this terminal's own, which shells in this one share. It goes when this shell ends.
__credstack_own=$(@CREDSTACK@ shell-stack "$$") && CREDSTACK_STACK=$__credstack_own && export CREDSTACK_STACK
unset -v __credstack_own

# The shell's own exit status stays: a trap does not change it.
__credstack_exit() {
    @CREDSTACK@ shell-stack "$$" --end || :
}

# Behind what there is already.
__credstack_trap() {
    local words
    eval "words=($(trap -p EXIT))"
    [[ ${words[2]-} == *__credstack_exit* ]] || trap -- "${words[2]:+${words[2]}$'\n'}__credstack_exit" EXIT
}
__credstack_trap
unset -f __credstack_trap

