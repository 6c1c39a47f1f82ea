// GetCallerIdentity by the AWS SDK for JavaScript v2 and its default chain, a JSON line each: once, or with TEST_CLIENT=running
// by one client for each line of stdin. It knows no AWS_ENDPOINT_URL_STS: TEST_STS names the endpoint. The SDK is found by
// NODE_PATH.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const STS = require("aws-sdk/clients/sts");

const client = new STS({ endpoint: process.env.TEST_STS });
const ask = async () => {
  const line = { region: client.config.region };
  try {
    const answer = await client.getCallerIdentity().promise();
    line.arn = answer.Arn;
    line.account = answer.Account;
    const given = client.config.credentials;
    line.expires = given && given.expireTime && given.expireTime.toISOString();
  } catch (error) {
    line.error = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify(line));
};

(async () => {
  if (process.env.TEST_CLIENT !== "running") return ask();
  for await (const _ of require("readline").createInterface({ input: process.stdin })) await ask();
})();
