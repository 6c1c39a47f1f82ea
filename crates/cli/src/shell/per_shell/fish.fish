# A stack of this terminal's own, which shells in this one share. It goes when this shell ends.
set -l own (@CREDSTACK@ shell-stack $fish_pid); and set -gx CREDSTACK_STACK $own

function __credstack_exit --on-event fish_exit
    @CREDSTACK@ shell-stack $fish_pid --end
end

