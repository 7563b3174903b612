// ioredis against a running server: pipelines, transactions, pub/sub, streams, blocking reads.
// Arguments: the port, and the folder that holds node_modules.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const { Redis } = createRequire(join(folder, "package.json"))("ioredis");
const MESSAGES = 500;
const open = [];

function connect(options = {}) {
  const client = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 1, ...options });
  open.push(client);
  return client;
}

async function basics(client) {
  assert.equal(await client.set("a", "1", "EX", 100), "OK");
  assert.equal(await client.get("a"), "1");
  assert.deepEqual(await client.getBuffer("a"), Buffer.from("1"));
  assert.equal(await client.hset("h", { f: "1", g: "2" }), 2);
  assert.deepEqual(await client.hgetall("h"), { f: "1", g: "2" });
  assert.equal(await client.zadd("z", 1, "one", 2, "two"), 2);
  assert.deepEqual(await client.zrange("z", 0, -1, "WITHSCORES"), ["one", "1", "two", "2"]);
  await assert.rejects(client.incr("h"), /WRONGTYPE/);
  assert.match(await client.info(), /redis_version/);
}

async function pipelines(client) {
  const pipeline = client.pipeline();
  for (let i = 0; i < 2000; i++) pipeline.set(`p${i}`, i).get(`p${i}`);
  pipeline.incr("h");
  const results = await pipeline.exec();
  assert.equal(results.length, 4001);
  for (let i = 0; i < 2000; i++) assert.equal(results[2 * i + 1][1], String(i));
  assert.match(results[4000][0].message, /WRONGTYPE/);
  const automatic = connect({ enableAutoPipelining: true });
  const values = await Promise.all([...Array(500).keys()].map((i) => automatic.get(`p${i}`)));
  assert.deepEqual(values, [...Array(500).keys()].map(String));
}

async function transactions(client) {
  const results = await client.multi().set("n", 1).incr("n").get("n").exec();
  assert.deepEqual(results.map(([, value]) => value), ["OK", 2, "2"]);
  await client.watch("n");
  await connect().set("n", 10);
  assert.equal(await client.multi().incr("n").exec(), null);
}

async function messages(client) {
  const reader = connect();
  const seen = [];
  const patterns = [];
  let ready;
  const done = new Promise((resolve) => (ready = resolve));
  reader.on("message", (channel, text) => {
    seen.push(text);
    if (seen.length === MESSAGES) ready();
  });
  reader.on("pmessage", (pattern, channel, text) => patterns.push([pattern, channel, text]));
  assert.equal(await reader.subscribe("news"), 1);
  assert.equal(await reader.psubscribe("n?ws", "other*"), 3);
  for (let i = 0; i < MESSAGES; i++) client.publish("news", `message ${i}`);
  await done;
  assert.deepEqual(seen, [...Array(MESSAGES).keys()].map((i) => `message ${i}`));
  assert.deepEqual(await reader.ping("still here"), ["pong", "still here"]);
  assert.equal(patterns.length, MESSAGES);
  assert.deepEqual(patterns[0], ["n?ws", "news", "message 0"]);
  assert.deepEqual(await client.pubsub("NUMSUB", "news"), ["news", 1]);
  assert.equal(await reader.unsubscribe("news"), 2);
  assert.equal(await reader.punsubscribe(), 0);
  assert.equal(await reader.get("a"), "1");
}

async function waiting(client) {
  const worker = connect();
  const popped = worker.blpop("queue", 5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await client.rpush("queue", "job");
  assert.deepEqual(await popped, ["queue", "job"]);
  const read = worker.xread("BLOCK", 5000, "STREAMS", "stream", "$");
  await new Promise((resolve) => setTimeout(resolve, 50));
  const id = await client.xadd("stream", "*", "f", "v");
  assert.deepEqual(await read, [["stream", [[id, ["f", "v"]]]]]);
}

async function scans(client) {
  const seen = new Set();
  for await (const keys of client.scanStream({ match: "p1*", count: 100 })) {
    keys.forEach((key) => seen.add(key));
  }
  assert.equal(seen.size, 1111);
}

const client = connect();
await client.flushall();
for (const check of [basics, pipelines, transactions, messages, waiting, scans]) {
  await check(client);
  console.log(`${check.name} ok`);
}
open.forEach((each) => each.disconnect());
console.log("all checks passed");
