# A stack of this terminal's own, which shells in this one share. nushell tells nobody that it ends: the next shell that
# begins with a stack of its own removes this one.
try { $env.CREDSTACK_STACK = (@CREDSTACK@ shell-stack $nu.pid | str trim) }

