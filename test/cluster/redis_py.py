"""What redis-py does at a store. Arguments: the port, and what to do. It prints `kill NAME` for a process to be killed, and reads a line then."""

import sys

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

PORT = int(sys.argv[1])
COMMITTED = [1, 0]
# Longer than a worker takes to be back.
PATIENT = Retry(ConstantBackoff(0.05), 600)


def connect(protocol, retry=PATIENT, **options):
    return redis.Redis(port=PORT, protocol=protocol, decode_responses=True, retry=retry, **options)


def kill(name):
    print("kill", name, flush=True)
    sys.stdin.readline()


def is_equal(found, expected):
    assert found == expected, f"{found!r}, not {expected!r}"


def fails(kind, text, call):
    """The call must fail in this way. Returns the message."""
    try:
        found = call()
    except kind as error:
        assert text in str(error), error
        return str(error)
    raise AssertionError(f"{found!r}, not an error")


def serves():
    for protocol in (2, 3):
        client = connect(protocol)
        client.flushall()
        is_equal(client.set("a", "1", ex=100, nx=True), True)
        is_equal(client.set("a", "2", ex=100, nx=True), None)
        is_equal(client.ttl("a"), 100)
        is_equal(client.hset("h", mapping={"f": "v", "g": "w"}), 2)
        is_equal(client.hgetall("h"), {"f": "v", "g": "w"})
        is_equal(client.rpush("l", 1, 2, 3), 3)
        is_equal(client.lrange("l", 0, -1), ["1", "2", "3"])
        is_equal(client.sadd("s", "x", "y"), 2)
        is_equal(client.smembers("s"), {"x", "y"})
        is_equal(client.zadd("z", {"one": 1, "two": 2.5}), 2)
        is_equal([tuple(pair) for pair in client.zrange("z", 0, -1, withscores=True)], [("one", 1.0), ("two", 2.5)])
        is_equal(sorted(client.scan_iter(count=1)), ["a", "h", "l", "s", "z"])
        binary = redis.Redis(port=PORT, protocol=protocol)
        binary.set("binary", bytes(range(256)))
        is_equal(binary.get("binary"), bytes(range(256)))
        fails(redis.ResponseError, "unknown command 'XADD': messages and streams", lambda: client.xadd("x", {"f": "v"}))
        pipelines(client)


def pipelines(client):
    pipeline = client.pipeline(transaction=False)
    for _ in range(1000):
        pipeline.incr("n")
    is_equal(pipeline.execute(), list(range(1, 1001)))
    pipeline.set("b", "x").incr("b").get("b")
    done, failure, value = pipeline.execute(raise_on_error=False)
    is_equal((done, value), (True, "x"))
    assert isinstance(failure, redis.ResponseError) and "not an integer" in str(failure), failure
    is_equal(client.pipeline().set("c", "1").incr("c").mget("c", "d").execute(), [True, 2, ["2", None]])
    with client.pipeline() as transaction:
        transaction.watch("c")
        client.set("c", "of another connection")
        transaction.multi()
        transaction.get("c")
        fails(redis.WatchError, "", transaction.execute)
    is_equal(client.transaction(lambda pipe: pipe.multi() or pipe.get("c"), "c"), ["of another connection"])


def keeps():
    client = connect(3)
    for count in range(1, 6):
        pipeline = client.pipeline(transaction=False).set(f"key-{count}", count).incr("rounds")
        is_equal(pipeline.execute_command("WAITAOF", 1, 0, 0).execute(), [True, count, COMMITTED])
        kill("store-1")
        is_equal(client.get("rounds"), str(count))
        is_equal(client.get(f"key-{count}"), str(count))


def rolls_back():
    single(connect(2), 2)
    single(connect(3), 3)
    pipelined(connect(3), 4)
    transacted(connect(3), 5)


def single(client, world_line):
    client.set("kept", "x")
    is_equal(client.waitaof(1, 0, 0), COMMITTED)
    kill("counter-0")
    last = 0

    def count():
        nonlocal last
        while True:
            last = client.incr(f"n-{world_line}")

    fails(redis.ResponseError, f"ROLLBACK world-line {world_line}: ", count)
    is_equal(client.get("kept"), "x")
    left = int(client.get(f"n-{world_line}") or 0)
    assert left < last, f"{left} of {last} are left"
    is_equal(client.incr(f"n-{world_line}"), left + 1)


def pipelined(client, world_line):
    """One command of a pipeline is not executed, and the others are."""
    kill("counter-0")
    told = []
    while not told:
        replies = client.pipeline(transaction=False).incr("p").incr("p").incr("p").execute(raise_on_error=False)
        told = [reply for reply in replies if isinstance(reply, redis.ResponseError)]
    is_equal([f"ROLLBACK world-line {world_line}: " in str(reply) for reply in told], [True])
    executed = [reply for reply in replies if isinstance(reply, int)]
    is_equal(len(executed), 2)
    is_equal(client.get("p"), str(executed[-1]))
    is_equal(client.waitaof(1, 0, 0), COMMITTED)


def transacted(client, world_line):
    """A transaction is taken back as a whole."""
    kill("counter-0")
    last = 0

    def count():
        nonlocal last
        while True:
            a, b = client.pipeline().incr("a").incr("b").execute()
            is_equal(a, b)
            last = a

    fails(redis.ResponseError, f"ROLLBACK world-line {world_line}: ", count)
    a, b = client.mget("a", "b")
    is_equal(a, b)
    assert int(a or 0) < last, f"{a} of {last} are left"


def asks_for_token():
    is_equal(connect(3, password=sys.argv[3]).set("a", "1"), True)
    once = Retry(ConstantBackoff(0), 0)  # to the library, a refused password is a connection that fails
    fails(redis.AuthenticationError, "not the client token", lambda: connect(3, once, password="wrong").get("a"))
    fails(redis.AuthenticationError, "Authentication required", lambda: connect(2, once).get("a"))


{"serves": serves, "keeps": keeps, "rolls-back": rolls_back, "asks-for-token": asks_for_token}[sys.argv[2]]()
