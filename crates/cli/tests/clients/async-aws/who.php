<?php
// GetCallerIdentity by AsyncAws and its default chain. It knows no AWS_ENDPOINT_URL_STS: TEST_STS names the endpoint.
require '/usr/share/php/AsyncAws/Core/autoload.php';
$client = new AsyncAws\Core\Sts\StsClient(['endpoint' => getenv('TEST_STS')]);
try {
    echo $client->getCallerIdentity()->getArn(), "\n";
} catch (\Throwable $error) {
    fwrite(STDERR, get_class($error).': '.$error->getMessage()."\n");
    exit(1);
}
