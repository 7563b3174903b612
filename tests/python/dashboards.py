"""What redis_exporter and RedisInsight ask a server when they connect and refresh."""

import sys

import redis

# Requests of redis_exporter in one scrape, all of its options on.
EXPORTER = [
    "CLIENT SETNAME redis_exporter",
    "CONFIG GET *",
    "INFO ALL",
    "LATENCY LATEST",
    "LATENCY HISTOGRAM",
    "SLOWLOG LEN",
    "SLOWLOG GET 1",
    "CLIENT LIST",
    "PUBSUB CHANNELS",
    "DBSIZE",
    "SCAN 0 MATCH * COUNT 1000",
    "MODULE LIST",
]

# Requests of RedisInsight when a database is opened, its pages are shown and a key is looked at.
INSIGHT = [
    "CLIENT SETNAME redisinsight-common-0",
    "INFO",
    "INFO server",
    "INFO keyspace",
    "INFO replication",
    "INFO memory",
    "INFO stats",
    "INFO clients",
    "COMMAND",
    "COMMAND DOCS",
    "COMMAND INFO memory",
    "MODULE LIST",
    "CONFIG GET databases",
    "CONFIG GET slowlog*",
    "CONFIG GET maxmemory-policy",
    "DBSIZE",
    "SCAN 0 MATCH * COUNT 500 TYPE hash",
    "TYPE a-hash",
    "TTL a-hash",
    "MEMORY USAGE a-hash SAMPLES 0",
    "OBJECT ENCODING a-hash",
    "HLEN a-hash",
    "HSCAN a-hash 0 MATCH * COUNT 500",
    "LRANGE a-list 0 499",
    "SSCAN a-set 0 COUNT 500",
    "ZRANGE a-zset 0 499 WITHSCORES",
    "XINFO STREAM a-stream",
    "XINFO GROUPS a-stream",
    "XREVRANGE a-stream + - COUNT 500",
    "SLOWLOG GET 50",
    "SLOWLOG LEN",
    "CONFIG SET slowlog-log-slower-than 10000",
    "PUBSUB NUMSUB",
    "MEMORY DOCTOR",
    "MEMORY STATS",
]

# Fields of INFO that redis_exporter turns into its main metrics.
FIELDS = """
uptime_in_seconds process_id connected_clients blocked_clients tracking_clients maxclients
client_recent_max_input_buffer client_recent_max_output_buffer pubsub_clients
allocator_active allocator_allocated allocator_resident allocator_frag_ratio allocator_frag_bytes
allocator_rss_ratio allocator_rss_bytes used_memory used_memory_rss used_memory_peak
used_memory_lua used_memory_overhead used_memory_startup used_memory_dataset used_memory_scripts
number_of_cached_scripts maxmemory maxmemory_policy mem_fragmentation_ratio
mem_fragmentation_bytes mem_clients_slaves mem_clients_normal active_defrag_running
lazyfree_pending_objects lazyfreed_objects mem_not_counted_for_evict mem_total_replication_buffers
loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time
rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves aof_enabled
aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec
aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_last_write_status
total_connections_received total_commands_processed instantaneous_ops_per_sec
total_net_input_bytes total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps
rejected_connections sync_full sync_partial_ok sync_partial_err expired_keys expired_stale_perc
expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients
total_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns
latest_fork_usec slave_expires_tracked_keys active_defrag_hits active_defrag_misses
tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies
total_error_replies dump_payload_sanitizations total_reads_processed total_writes_processed
io_threaded_reads_processed io_threaded_writes_processed role connected_slaves
master_repl_offset repl_backlog_active repl_backlog_size repl_backlog_histlen used_cpu_sys
used_cpu_user used_cpu_sys_children used_cpu_user_children cluster_enabled redis_version os
""".split()


def fill(client):
    client.hset("a-hash", mapping={f"f{i}": i for i in range(100)})
    client.rpush("a-list", *range(100))
    client.sadd("a-set", *range(100))
    client.zadd("a-zset", {f"m{i}": i for i in range(100)})
    client.xadd("a-stream", {"f": "v"})
    client.xgroup_create("a-stream", "group", 0)
    client.set("volatile", 1, ex=1000)


def requests(client, commands):
    """Sends commands as they are; an error reply raises."""
    connection = client.connection_pool.get_connection()
    for line in commands:
        connection.send_command(*line.split())
        connection.read_response()
    client.connection_pool.release(connection)


def metrics(client):
    info = client.info("everything")
    missing = [field for field in FIELDS if field not in info]
    # Valkey 8 renamed it.
    missing += [] if "redis_mode" in info or "server_mode" in info else ["server_mode"]
    assert not missing, f"INFO lacks {missing}"
    assert info["db0"]["keys"] == 6 and info["db0"]["expires"] == 1, info["db0"]
    for name in ("cmdstat_hset", "cmdstat_info"):
        assert set(info[name]) >= {"calls", "usec", "usec_per_call", "rejected_calls", "failed_calls"}
    assert set(info["latency_percentiles_usec_hset"]) >= {"p50", "p99", "p99.9"}
    try:
        client.execute_command("INCR", "a-hash")
    except redis.ResponseError:
        pass
    assert client.info("errorstats")["errorstat_WRONGTYPE"]["count"] >= 1
    entry = client.client_list()[0]
    for field in ("id", "addr", "laddr", "age", "idle", "flags", "db", "cmd", "user", "resp", "tot-mem"):
        assert field in entry, f"CLIENT LIST lacks {field}"


def profiler(port, client):
    """RedisInsight's profiler is MONITOR."""
    watcher = redis.Redis(host="127.0.0.1", port=port, socket_timeout=10)
    with watcher.monitor() as monitor:
        client.set("seen", "by the profiler")
        for entry in monitor.listen():
            if entry["command"].startswith("SET"):
                assert entry["command"] == "SET seen by the profiler", entry
                assert entry["db"] == 0 and entry["client_address"] == "127.0.0.1", entry
                return


def main():
    port = int(sys.argv[1])
    for protocol in (2, 3):
        client = redis.Redis(
            host="127.0.0.1", port=port, protocol=protocol, decode_responses=True, socket_timeout=10
        )
        client.flushall()
        fill(client)
        requests(client, EXPORTER)
        requests(client, INSIGHT)
        metrics(client)
        profiler(port, client)
        print(f"RESP{protocol} ok")
    print("all checks passed")


main()
