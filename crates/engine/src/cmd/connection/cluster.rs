//! CLUSTER on a server alone: KEYSLOT works, and there is one answer for the rest.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Deprecation, Flags, Group, History};

use crate::{
    Error,
    cmd::{Command, Run, help::help},
    ctx::SessionCtx,
    slot::key_slot,
};

/// A command of this group to start from.
const BASE: CommandSpec = CommandSpec {
    group: Group::Cluster,
    since: "3.0.0",
    ..CommandSpec::NEW
};

pub(super) const CLUSTER: Command = Command {
    spec: CommandSpec {
        name: "cluster",
        summary: "Commands about the cluster.",
        complexity: "That of the subcommand",
        arity: -2,
        ..BASE
    },
    run: Run::Container(&[
        ADDSLOTS,
        ADDSLOTSRANGE,
        BUMPEPOCH,
        COUNT_FAILURE_REPORTS,
        COUNTKEYSINSLOT,
        DELSLOTS,
        DELSLOTSRANGE,
        FAILOVER,
        FLUSHSLOTS,
        FORGET,
        GETKEYSINSLOT,
        HELP,
        INFO,
        KEYSLOT,
        LINKS,
        MEET,
        MYID,
        MYSHARDID,
        NODES,
        REPLICAS,
        REPLICATE,
        RESET,
        SAVECONFIG,
        SET_CONFIG_EPOCH,
        SETSLOT,
        SHARDS,
        SLAVES,
        SLOT_STATS,
        SLOTS,
    ]),
};

const ADDSLOTS: Command = Command {
    spec: CommandSpec {
        name: "addslots",
        summary: "Gives slots to this node.",
        complexity: "O(N), N being the number of hash slot arguments",
        arity: -3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::integer("slot").multiple()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const ADDSLOTSRANGE: Command = Command {
    spec: CommandSpec {
        name: "addslotsrange",
        since: "7.0.0",
        summary: "Gives ranges of slots to this node.",
        complexity: "O(N), N being the number of slots in the ranges",
        arity: -4,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::block(
            "range",
            &[ArgSpec::integer("start-slot"), ArgSpec::integer("end-slot")],
        )
        .multiple()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const BUMPEPOCH: Command = Command {
    spec: CommandSpec {
        name: "bumpepoch",
        summary: "Advances the configuration epoch.",
        arity: 2,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const COUNT_FAILURE_REPORTS: Command = Command {
    spec: CommandSpec {
        name: "count-failure-reports",
        summary: "Counts the reports that a node has failed.",
        complexity: "O(N), N being the number of failure reports",
        arity: 3,
        flags: Flags::ADMIN.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        args: &[ArgSpec::string("node-id")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const COUNTKEYSINSLOT: Command = Command {
    spec: CommandSpec {
        name: "countkeysinslot",
        summary: "Counts the keys of a slot.",
        arity: 3,
        flags: Flags::STALE,
        args: &[ArgSpec::integer("slot")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const DELSLOTS: Command = Command {
    spec: CommandSpec {
        name: "delslots",
        summary: "Takes slots from this node.",
        complexity: "O(N), N being the number of hash slot arguments",
        arity: -3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::integer("slot").multiple()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const DELSLOTSRANGE: Command = Command {
    spec: CommandSpec {
        name: "delslotsrange",
        since: "7.0.0",
        summary: "Takes ranges of slots from this node.",
        complexity: "O(N), N being the number of slots in the ranges",
        arity: -4,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::block(
            "range",
            &[ArgSpec::integer("start-slot"), ArgSpec::integer("end-slot")],
        )
        .multiple()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const FAILOVER: Command = Command {
    spec: CommandSpec {
        name: "failover",
        summary: "Lets a replica take over from its primary.",
        arity: -2,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::one_of(
            "options",
            &[
                ArgSpec::pure_token("force", "FORCE"),
                ArgSpec::pure_token("takeover", "TAKEOVER"),
            ],
        )
        .optional()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const FLUSHSLOTS: Command = Command {
    spec: CommandSpec {
        name: "flushslots",
        summary: "Takes all slots from this node.",
        arity: 2,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(disabled),
};

const FORGET: Command = Command {
    spec: CommandSpec {
        name: "forget",
        summary: "Removes a node from the table of nodes.",
        arity: 3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::string("node-id")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const GETKEYSINSLOT: Command = Command {
    spec: CommandSpec {
        name: "getkeysinslot",
        summary: "Tells keys of a slot.",
        complexity: "O(N), N being the number of requested keys",
        arity: 4,
        flags: Flags::STALE,
        tips: &["nondeterministic_output"],
        args: &[ArgSpec::integer("slot"), ArgSpec::integer("count")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "5.0.0",
        summary: "Lists the subcommands.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const INFO: Command = Command {
    spec: CommandSpec {
        name: "info",
        summary: "Tells the state of the cluster.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const KEYSLOT: Command = Command {
    spec: CommandSpec {
        name: "keyslot",
        summary: "Tells the slot of a key.",
        complexity: "O(N), N being the number of bytes in the key",
        arity: 3,
        flags: Flags::STALE,
        args: &[ArgSpec::string("key")],
        ..BASE
    },
    run: Run::Session(keyslot),
};

const LINKS: Command = Command {
    spec: CommandSpec {
        name: "links",
        since: "7.0.0",
        summary: "Tells the links to other nodes.",
        complexity: "O(N), N being the number of Cluster nodes",
        arity: 2,
        flags: Flags::STALE,
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const MEET: Command = Command {
    spec: CommandSpec {
        name: "meet",
        summary: "Makes two nodes know each other.",
        history: &[History {
            version: "4.0.0",
            change: "Further arguments.",
        }],
        arity: -4,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[
            ArgSpec::string("ip"),
            ArgSpec::integer("port"),
            ArgSpec::integer("cluster-bus-port")
                .since("4.0.0")
                .optional(),
        ],
        ..BASE
    },
    run: Run::Session(disabled),
};

const MYID: Command = Command {
    spec: CommandSpec {
        name: "myid",
        summary: "Tells the id of this node.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(disabled),
};

const MYSHARDID: Command = Command {
    spec: CommandSpec {
        name: "myshardid",
        since: "7.2.0",
        summary: "Tells the id of the shard of this node.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const NODES: Command = Command {
    spec: CommandSpec {
        name: "nodes",
        summary: "Tells the configuration as this node sees it.",
        complexity: "O(N), N being the number of Cluster nodes",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const REPLICAS: Command = Command {
    spec: CommandSpec {
        name: "replicas",
        since: "5.0.0",
        summary: "Lists the replicas of a primary.",
        complexity: "O(N), N being the number of replicas",
        arity: 3,
        flags: Flags::ADMIN.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        args: &[ArgSpec::string("node-id")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const REPLICATE: Command = Command {
    spec: CommandSpec {
        name: "replicate",
        summary: "Makes this node a replica of a primary.",
        arity: 3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::string("node-id")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        summary: "Resets the node.",
        complexity: "O(N), N being the number of known nodes",
        arity: -2,
        flags: Flags::ADMIN.union(Flags::STALE).union(Flags::NOSCRIPT),
        args: &[ArgSpec::one_of(
            "reset-type",
            &[
                ArgSpec::pure_token("hard", "HARD"),
                ArgSpec::pure_token("soft", "SOFT"),
            ],
        )
        .optional()],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SAVECONFIG: Command = Command {
    spec: CommandSpec {
        name: "saveconfig",
        summary: "Writes the configuration of the node to disk.",
        arity: 2,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(disabled),
};

const SET_CONFIG_EPOCH: Command = Command {
    spec: CommandSpec {
        name: "set-config-epoch",
        summary: "Sets the epoch of a new node.",
        arity: 3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE),
        args: &[ArgSpec::integer("config-epoch")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SETSLOT: Command = Command {
    spec: CommandSpec {
        name: "setslot",
        summary: "Binds a slot to a node or to a state.",
        history: &[History {
            version: "8.0.0",
            change: "Further arguments.",
        }],
        arity: -4,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::STALE)
            .union(Flags::MAY_REPLICATE),
        args: &[
            ArgSpec::integer("slot"),
            ArgSpec::one_of(
                "subcommand",
                &[
                    ArgSpec::string("importing")
                        .token("IMPORTING")
                        .display("node-id"),
                    ArgSpec::string("migrating")
                        .token("MIGRATING")
                        .display("node-id"),
                    ArgSpec::string("node").token("NODE").display("node-id"),
                    ArgSpec::pure_token("stable", "STABLE"),
                ],
            ),
            ArgSpec::integer("timeout")
                .token("TIMEOUT")
                .display("timeout")
                .since("8.0.0")
                .optional(),
        ],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SHARDS: Command = Command {
    spec: CommandSpec {
        name: "shards",
        since: "7.0.0",
        summary: "Maps slots to shards.",
        complexity: "O(N), N being the number of cluster nodes",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SLAVES: Command = Command {
    spec: CommandSpec {
        name: "slaves",
        summary: "Lists the replicas of a primary.",
        complexity: "O(N), N being the number of replicas",
        deprecated: Some(Deprecation {
            since: "5.0.0",
            replaced_by: "`CLUSTER REPLICAS`",
        }),
        arity: 3,
        flags: Flags::ADMIN.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        args: &[ArgSpec::string("node-id")],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SLOT_STATS: Command = Command {
    spec: CommandSpec {
        name: "slot-stats",
        since: "8.0.0",
        summary: "Tells the usage of slots.",
        complexity: "O(N), N being the number of slots; O(N*log(N)) with ORDERBY",
        arity: -4,
        flags: Flags::STALE.union(Flags::LOADING),
        tips: &["nondeterministic_output", "request_policy:all_shards"],
        args: &[ArgSpec::one_of(
            "filter",
            &[
                ArgSpec::block(
                    "slotsrange",
                    &[ArgSpec::integer("start-slot"), ArgSpec::integer("end-slot")],
                )
                .token("SLOTSRANGE"),
                ArgSpec::block(
                    "orderby",
                    &[
                        ArgSpec::string("metric"),
                        ArgSpec::integer("limit").token("LIMIT").optional(),
                        ArgSpec::one_of(
                            "order",
                            &[
                                ArgSpec::pure_token("asc", "ASC"),
                                ArgSpec::pure_token("desc", "DESC"),
                            ],
                        )
                        .optional(),
                    ],
                )
                .token("ORDERBY"),
            ],
        )],
        ..BASE
    },
    run: Run::Session(disabled),
};

const SLOTS: Command = Command {
    spec: CommandSpec {
        name: "slots",
        summary: "Maps slots to nodes.",
        complexity: "O(N), N being the number of Cluster nodes",
        history: &[
            History {
                version: "4.0.0",
                change: "Adds further networking metadata.",
            },
            History {
                version: "7.0.0",
                change: "Adds further networking metadata.",
            },
        ],
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(disabled),
};

fn disabled(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    Err(Error::CLUSTER_DISABLED)
}

/// Works without a cluster, too, so that clients can compute slots.
fn keyslot(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let slot = key_slot(request.arg(2).unwrap_or_default());
    reply.int(i64::from(slot));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn there_is_no_cluster() {
        let mut kit = Kit::new();
        let disabled = "(error) ERR This instance has cluster support disabled";
        assert_eq!(kit.run("CLUSTER INFO"), disabled);
        assert_eq!(kit.run("ASKING"), disabled);
        assert_eq!(kit.run("CLUSTER KEYSLOT foo{hash_tag}"), "(integer) 2515");
        assert!(kit.run("CLUSTER HELP").contains("SETSLOT slot"));
        assert!(
            kit.run("CLUSTER ADDSLOTS")
                .contains("wrong number of arguments")
        );
    }
}
