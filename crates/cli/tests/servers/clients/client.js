// GetCallerIdentity by the AWS SDK for JavaScript: once, or with TEST_CLIENT=running by one client for each line of stdin.
// The SDK is found by NODE_PATH.
const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");

const client = new STSClient({});
const ask = async () => console.log((await client.send(new GetCallerIdentityCommand({}))).Arn);

(async () => {
  if (process.env.TEST_CLIENT !== "running") return ask();
  for await (const _ of require("readline").createInterface({ input: process.stdin })) await ask();
})().catch((error) => {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
});
