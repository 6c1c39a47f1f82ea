// Sends what the AWS SDK inside Serverless asks over TLS to TEST_STS instead.
const http = require("http");
const https = require("https");
const to = new URL(process.env.TEST_STS);
https.request = (options, callback) =>
  http.request({ ...options, protocol: "http:", hostname: to.hostname, host: to.hostname, port: to.port, agent: undefined }, callback);
