// Calls the generated client of the npm package `pipedrive`, as a program that uses it would.
//
// node pipedrive.mjs FOLDER ADDRESS TOKEN; a line of standard input is a call, {"version", "api", "method", "takes"},
// and a line of standard output says how it ended, {"status", "body"}. FOLDER is where the package is installed.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , folder, address, token] = process.argv;
const require = createRequire(`${folder}/package.json`);
const packages = { v1: require("pipedrive/v1"), v2: require("pipedrive/v2") };
let status = 0;

async function called({ version, api, method, takes }) {
  const { Configuration, [api]: Api } = packages[version];
  const client = new Api(new Configuration({ apiKey: token, basePath: `${address}/api/${version}` }));
  client.axios.defaults.validateStatus = (code) => {
    status = code;
    return code >= 200 && code < 300;
  };
  status = 0;
  try {
    return { body: await client[method](takes) };
  } catch (error) {
    return { body: error instanceof Error ? String(error) : error };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await called(JSON.parse(line));
  process.stdout.write(`${JSON.stringify({ ...answer, status })}\n`);
}
