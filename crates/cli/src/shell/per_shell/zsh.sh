# A stack of this terminal's own, which shells in this one share. It goes when this shell ends.
__credstack_own=$(@CREDSTACK@ shell-stack "$$") && export CREDSTACK_STACK=$__credstack_own
unset -v __credstack_own

__credstack_exit() {
    @CREDSTACK@ shell-stack "$$" --end || :
}

autoload -Uz add-zsh-hook && add-zsh-hook zshexit __credstack_exit

