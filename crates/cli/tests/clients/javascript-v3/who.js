// GetCallerIdentity by the AWS SDK for JavaScript v3 and its default chain, a JSON line each: once, or with TEST_CLIENT=running
// by one client for each line of stdin. The SDK is found by NODE_PATH.
const { STSClient, GetCallerIdentityCommand } = require("@aws-sdk/client-sts");

const client = new STSClient({});
const ask = async () => {
  const line = {};
  try {
    line.region = await client.config.region();
    const answer = await client.send(new GetCallerIdentityCommand({}));
    line.arn = answer.Arn;
    line.account = answer.Account;
    const given = await client.config.credentials();
    line.account_given = given.accountId;
    line.expires = given.expiration && new Date(given.expiration).toISOString();
  } catch (error) {
    line.error = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify(line));
};

(async () => {
  if (process.env.TEST_CLIENT !== "running") return ask();
  for await (const _ of require("readline").createInterface({ input: process.stdin })) await ask();
})();
