__credstack_cover
$Env:AWS_PROFILE = 'credstack'
$Env:AWS_SDK_LOAD_CONFIG = '1'
$Env:AWS_REGION = 'eu-west-1'
$Env:AWS_DEFAULT_REGION = 'eu-west-1'
$Env:CREDSTACK_REGION = 'eu-west-1'
$Env:CREDSTACK_HOOK = '6937118fce2b/7acbda39a2d2'
$Global:__credstack_at = 'default profile eu-west-1'
