"""redis-py against a running server: what applications do, over RESP2 and RESP3, TCP or TLS."""

import argparse
import sys

import redis


def connect(args, **more):
    if args.ca:
        more.update(ssl=True, ssl_ca_certs=args.ca, ssl_check_hostname=True)
    return redis.Redis(
        host="localhost" if args.ca else "127.0.0.1",
        port=args.port,
        password=args.password,
        socket_timeout=10,
        **more,
    )


def strings(client):
    client.flushall()
    assert client.set("a", b"\x00\xff") is True
    assert client.get("a") == b"\x00\xff"
    assert client.get("missing") is None
    assert client.set("a", "1", nx=True) is None
    assert client.set("a", "1", ex=100) is True
    assert 98 <= client.ttl("a") <= 100
    assert client.incrby("a", 41) == 42
    assert client.incrbyfloat("a", 0.5) == 42.5
    assert client.mset({"b": "2", "c": "3"}) is True
    assert client.mget("b", "c", "d") == [b"2", b"3", None]
    assert client.getdel("b") == b"2"
    assert client.append("c", "x") == 2
    big = b"v" * (2 * 1024 * 1024)
    client.set("big", big)
    assert client.get("big") == big


def keys(client):
    client.flushdb()
    for i in range(500):
        client.set(f"key:{i}", i)
    assert client.dbsize() == 500
    assert sorted(client.scan_iter("key:1*", count=20)) == sorted(
        f"key:{i}".encode() for i in range(500) if str(i).startswith("1")
    )
    assert client.type("key:0") == b"string"
    assert client.rename("key:0", "zero") is True
    assert client.exists("key:0", "zero") == 1
    assert client.copy("zero", "null") is True
    assert client.expire("zero", 100) is True
    assert client.persist("zero") is True
    assert client.object("encoding", "zero") in (b"int", "int")
    assert client.delete("zero", "null") == 2


def transactions(client):
    client.set("n", 1)
    with client.pipeline(transaction=True) as pipe:
        pipe.incr("n").get("n")
        assert pipe.execute() == [2, b"2"]
    with client.pipeline() as pipe:
        pipe.watch("n")
        client.set("n", 10)
        pipe.multi()
        pipe.incr("n")
        try:
            pipe.execute()
        except redis.WatchError:
            pass
        else:
            raise AssertionError("the transaction ran though its key had changed")
    with client.pipeline(transaction=False) as pipe:
        for _ in range(1000):
            pipe.incr("n")
        assert pipe.execute()[-1] == 1010


def errors(client):
    client.set("a", "x")
    for call in (lambda: client.incr("a"), lambda: client.execute_command("NOSUCH")):
        try:
            call()
        except redis.ResponseError:
            continue
        raise AssertionError("an error was due")


def server(client):
    info = client.info()
    assert info["redis_version"] and info["role"] == "master", info
    assert client.config_set("lfu-log-factor", 11) is True
    assert client.config_get("lfu-log-factor") == {"lfu-log-factor": "11"}
    assert client.client_setname("python") is True
    assert client.client_getname() in ("python", b"python")
    names = [entry["name"] for entry in client.client_list()]
    assert "python" in names, names
    assert isinstance(client.time()[0], int)
    assert client.command_count() > 50
    assert "get" in client.command()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--password")
    parser.add_argument("--ca")
    args = parser.parse_args()
    for protocol in (2, 3):
        client = connect(args, protocol=protocol, single_connection_client=False)
        for check in (strings, keys, transactions, errors, server):
            check(client)
            print(f"RESP{protocol} {check.__name__} ok")
        client.close()
    try:
        wrong = argparse.Namespace(**{**vars(args), "password": "wrong"})
        connect(wrong).ping()
    except redis.AuthenticationError:
        pass
    else:
        sys.exit("a wrong password was accepted")
    print("all checks passed")


main()
