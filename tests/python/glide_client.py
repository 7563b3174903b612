"""valkey-glide against a running server: strings, collections, transactions, pub/sub, scans."""

import asyncio
import sys

from glide import (
    Batch,
    ConditionalChange,
    ExpirySet,
    ExpiryType,
    GlideClient,
    GlideClientConfiguration,
    NodeAddress,
    ProtocolVersion,
    RequestError,
)

MESSAGES = 50


def configuration(port, protocol, **more):
    return GlideClientConfiguration(
        [NodeAddress("127.0.0.1", port)], protocol=protocol, request_timeout=5000, **more
    )


async def strings(client):
    assert await client.set("a", "1") == "OK"
    assert await client.get("a") == b"1"
    assert await client.set("a", "2", conditional_set=ConditionalChange.ONLY_IF_DOES_NOT_EXIST) is None
    assert await client.set("a", "2", expiry=ExpirySet(ExpiryType.SEC, 100)) == "OK"
    assert 98 <= await client.ttl("a") <= 100
    assert await client.incrby("n", 41) == 41
    assert await client.mset({"x": "1", "y": "2"}) == "OK"
    assert await client.mget(["x", "y", "none"]) == [b"1", b"2", None]


async def collections(client):
    assert await client.hset("h", {"f": "1", "g": "2"}) == 2
    assert await client.hgetall("h") == {b"f": b"1", b"g": b"2"}
    assert await client.rpush("l", ["a", "b", "c"]) == 3
    assert await client.lrange("l", 0, -1) == [b"a", b"b", b"c"]
    assert await client.sadd("s", ["a", "b"]) == 2
    assert await client.smembers("s") == {b"a", b"b"}
    assert await client.zadd("z", {"m": 1.5}) == 1
    assert await client.zscore("z", "m") == 1.5
    assert await client.xadd("st", [("f", "v")])
    assert await client.xlen("st") == 1


async def transactions(client):
    batch = Batch(is_atomic=True)
    batch.set("t", "1").incr("t").get("t")
    assert await client.exec(batch, raise_on_error=True) == ["OK", 2, b"2"]
    pipeline = Batch(is_atomic=False)
    for _ in range(100):
        pipeline.incr("p")
    assert (await client.exec(pipeline, raise_on_error=True))[-1] == 100
    await client.set("text", "x")
    try:
        await client.incr("text")
    except RequestError as error:
        assert "not an integer" in str(error), error
    else:
        raise AssertionError("an error was due")


async def scans(client):
    for number in range(300):
        await client.set(f"scan:{number}", "v")
    cursor, seen = b"0", set()
    while True:
        cursor, keys = await client.scan(cursor, match="scan:*", count=50)
        seen.update(keys)
        if cursor == b"0":
            break
    assert len(seen) == 300, len(seen)


async def messages(port, protocol):
    subscriptions = GlideClientConfiguration.PubSubSubscriptions(
        {
            GlideClientConfiguration.PubSubChannelModes.Exact: {"news"},
            GlideClientConfiguration.PubSubChannelModes.Pattern: {"old*"},
        },
        callback=None,
        context=None,
    )
    reader = await GlideClient.create(
        configuration(port, protocol, pubsub_subscriptions=subscriptions)
    )
    writer = await GlideClient.create(configuration(port, protocol))
    for number in range(MESSAGES):
        assert await writer.publish(f"message {number}", "news") == 1
    assert await writer.publish("late", "oldies") == 1
    for number in range(MESSAGES):
        message = await asyncio.wait_for(reader.get_pubsub_message(), 5)
        assert message.message == f"message {number}".encode(), message
        assert message.channel == b"news" and message.pattern is None, message
    message = await asyncio.wait_for(reader.get_pubsub_message(), 5)
    assert (message.message, message.pattern) == (b"late", b"old*"), message
    await reader.close()
    await writer.close()


async def main():
    port = int(sys.argv[1])
    for protocol in (ProtocolVersion.RESP2, ProtocolVersion.RESP3):
        client = await GlideClient.create(configuration(port, protocol))
        for check in (strings, collections, transactions, scans):
            await client.flushall()
            await check(client)
            print(f"{protocol.name} {check.__name__} ok")
        assert b"redis_version" in await client.info()
        await client.close()
    # Messages need RESP3 there.
    await messages(port, ProtocolVersion.RESP3)
    print("messages ok")
    print("all checks passed")


asyncio.run(main())
