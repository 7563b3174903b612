"""redis-py with client-side caching over RESP3: a cached value is never older than its key."""

import sys
import time

import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection


def until(what, condition):
    """Waits until a condition holds, five seconds at most."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come to pass")


def connect(port):
    return redis.Redis(
        host="127.0.0.1",
        port=port,
        protocol=3,
        decode_responses=True,
        socket_timeout=10,
        cache_config=CacheConfig(max_size=64),
    )


def hits_are_served_locally(port, writer):
    reader = connect(port)
    writer.set("hit", "1")
    assert reader.get("hit") == "1"
    before = writer.info("commandstats")["cmdstat_get"]["calls"]
    for _ in range(100):
        assert reader.get("hit") == "1"
    after = writer.info("commandstats")["cmdstat_get"]["calls"]
    assert after == before, f"{after - before} reads went to the server"
    assert reader.get_cache().size >= 1
    reader.close()


def changes_reach_the_cache(port, writer):
    reader = connect(port)
    changes = [
        ("SET", "k", "new"),
        ("APPEND", "k", "er"),
        ("DEL", "k"),
        ("SET", "k", "back"),
        ("RENAME", "k", "elsewhere"),
        ("SET", "k", "1"),
        ("INCR", "k"),
        ("COPY", "elsewhere", "k", "REPLACE"),
        ("GETDEL", "k"),
        ("MSET", "k", "a", "other", "b"),
        ("PEXPIRE", "k", "50"),
    ]
    reader.get("k")
    for change in changes:
        writer.execute_command(*change)
        until(f"{change} in the cache", lambda: reader.get("k") == writer.get("k"))
    until("the expiry in the cache", lambda: reader.get("k") is None)
    writer.set("k", "last")
    assert reader.get("k") == "last"
    writer.flushall()
    until("FLUSHALL in the cache", lambda: reader.get("k") is None)
    reader.close()


def collections_are_cached(port, writer):
    reader = connect(port)
    writer.hset("h", mapping={"a": "1", "b": "2"})
    writer.rpush("l", 1, 2, 3)
    writer.zadd("z", {"m": 1})
    assert reader.hgetall("h") == {"a": "1", "b": "2"}
    assert reader.lrange("l", 0, -1) == ["1", "2", "3"]
    assert reader.zscore("z", "m") == 1.0
    writer.hdel("h", "a")
    writer.lpop("l")
    writer.zincrby("z", 4, "m")
    until("HDEL", lambda: reader.hgetall("h") == {"b": "2"})
    until("LPOP", lambda: reader.lrange("l", 0, -1) == ["2", "3"])
    until("ZINCRBY", lambda: reader.zscore("z", "m") == 5.0)
    reader.close()


def two_readers_agree(port, writer):
    readers = [connect(port), connect(port)]
    for round_number in range(200):
        key = f"r{round_number % 7}"
        writer.set(key, round_number)
        for reader in readers:
            until("the round", lambda: reader.get(key) == str(round_number))
    for reader in readers:
        reader.close()


def main():
    port = int(sys.argv[1])
    writer = redis.Redis(host="127.0.0.1", port=port, decode_responses=True, socket_timeout=10)
    # The library caches for servers that call themselves redis; what it does then is not changed.
    hello = writer.execute_command("HELLO")
    hello = dict(zip(hello[::2], hello[1::2])) if isinstance(hello, list) else hello
    CacheProxyConnection.DEFAULT_SERVER_NAME = hello["server"]
    CacheProxyConnection.MIN_ALLOWED_VERSION = hello["version"]
    for check in (
        hits_are_served_locally,
        changes_reach_the_cache,
        collections_are_cached,
        two_readers_agree,
    ):
        writer.flushall()
        check(port, writer)
        print(f"{check.__name__} ok")
    print("all checks passed")


main()
