"""Django's own Redis cache back end, and sessions on top of it, against a running server."""

import sys
import time

import django
from django.conf import settings

settings.configure(
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{sys.argv[1]}/1",
            "TIMEOUT": 300,
            "KEY_PREFIX": "site",
        }
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SECRET_KEY="for this test alone",
    USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import cache  # noqa: E402


def values():
    for value in (1, 1.5, "text", b"bytes", None, True, [1, 2], {"a": {"b": 1}}, "\u00fc" * 5000):
        cache.set("value", value)
        assert cache.get("value", "missing") == value, value
    assert cache.get("none") is None and cache.get("none", 7) == 7
    assert cache.add("added", 1) is True and cache.add("added", 2) is False
    assert cache.get("added") == 1
    assert "added" in cache and cache.has_key("added")


def many():
    assert cache.set_many({f"k{i}": i for i in range(200)}) == []
    assert cache.get_many([f"k{i}" for i in range(200)]) == {f"k{i}": i for i in range(200)}
    cache.delete_many(["k0", "k1"])
    assert cache.get_many(["k0", "k1", "k2"]) == {"k2": 2}
    assert cache.get_or_set("made", lambda: "now") == "now"
    assert cache.get_or_set("made", "later") == "now"


def counters():
    cache.set("n", 40)
    assert cache.incr("n") == 41 and cache.incr("n", 9) == 50 and cache.decr("n", 8) == 42
    try:
        cache.incr("nothing")
    except ValueError:
        pass
    else:
        raise AssertionError("a missing counter counts")
    version = cache.incr_version("n")
    assert version == 2 and cache.get("n") is None and cache.get("n", version=2) == 42


def expiry():
    cache.set("short", 1, timeout=1)
    cache.set("never", 1, timeout=None)
    cache.set("gone", 1, timeout=0)
    assert cache.get("gone") is None and cache.get("short") == 1
    assert cache.touch("short", 1) is True and cache.touch("absent", 1) is False
    time.sleep(1.2)
    assert cache.get("short") is None and cache.get("never") == 1


def sessions():
    session = SessionStore()
    session["user"] = 7
    session.save()
    again = SessionStore(session_key=session.session_key)
    assert again["user"] == 7
    again.cycle_key()
    assert not SessionStore().exists(session.session_key)
    again.flush()
    assert SessionStore(session_key=again.session_key).get("user") is None


for check in (values, many, counters, expiry, sessions):
    cache.clear()
    check()
    print(f"{check.__name__} ok")
print("all checks passed")
