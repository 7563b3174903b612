//! CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO: caches at the client. What is remembered
//! and who is told is in `tracking`.

use alloc::{string::String, vec::Vec};

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec};

use super::client::BASE;
use crate::{
    Engine, Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
    tracking::{Modes, Overlap, Redirect, SessionTracking, overlap},
};

pub(super) const TRACKING: Command = Command {
    spec: CommandSpec {
        name: "tracking",
        since: "6.0.0",
        summary: "Switches on or off that the session is told which keys it may not cache any \
                  longer.",
        complexity: "O(1), and O(N log N) for N prefixes",
        arity: -3,
        args: &[
            ArgSpec::one_of(
                "status",
                &[
                    ArgSpec::pure_token("on", "ON"),
                    ArgSpec::pure_token("off", "OFF"),
                ],
            ),
            ArgSpec::integer("client-id").token("REDIRECT").optional(),
            ArgSpec::string("prefix")
                .token("PREFIX")
                .optional()
                .multiple()
                .multiple_token(),
            ArgSpec::pure_token("BCAST", "BCAST").optional(),
            ArgSpec::pure_token("OPTIN", "OPTIN").optional(),
            ArgSpec::pure_token("OPTOUT", "OPTOUT").optional(),
            ArgSpec::pure_token("NOLOOP", "NOLOOP").optional(),
        ],
        ..BASE
    },
    run: Run::Session(tracking),
};

pub(super) const CACHING: Command = Command {
    spec: CommandSpec {
        name: "caching",
        since: "6.0.0",
        summary: "Says whether the keys of the next request will be cached.",
        arity: 3,
        args: &[ArgSpec::one_of(
            "mode",
            &[
                ArgSpec::pure_token("yes", "YES"),
                ArgSpec::pure_token("no", "NO"),
            ],
        )],
        ..BASE
    },
    run: Run::Session(caching),
};

pub(super) const GETREDIR: Command = Command {
    spec: CommandSpec {
        name: "getredir",
        since: "6.0.0",
        summary: "Tells which session gets the invalidations of this one.",
        ..BASE
    },
    run: Run::Session(getredir),
};

pub(super) const TRACKINGINFO: Command = Command {
    spec: CommandSpec {
        name: "trackinginfo",
        since: "6.2.0",
        summary: "Tells what CLIENT TRACKING has set for the session.",
        ..BASE
    },
    run: Run::Session(trackinginfo),
};

const ONE_REDIRECT: Error = Error::Fixed("ERR A client can only redirect to a single other client");
const NO_SUCH_CLIENT: Error = Error::Fixed("ERR The client ID you want redirect to does not exist");
const PREFIX_WITHOUT_BCAST: Error =
    Error::Fixed("ERR PREFIX option requires BCAST mode to be enabled");
const SWITCHES_BCAST: Error = Error::Fixed(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
     re-enabling it with a different mode.",
);
const BCAST_WITH_OPT: Error = Error::Fixed("ERR OPTIN and OPTOUT are not compatible with BCAST");
const BOTH_OPTS: Error = Error::Fixed("ERR You can't specify both OPTIN mode and OPTOUT mode");
const SWITCHES_OPT: Error = Error::Fixed(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
     re-enabling it with a different mode.",
);
const NOT_TRACKING: Error = Error::Fixed(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
     OPTOUT mode enabled",
);
const NOT_OPT_IN: Error =
    Error::Fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
const NOT_OPT_OUT: Error =
    Error::Fixed("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");

/// Bytes of a prefix that an error repeats.
const ECHO_BYTES_MAX: usize = 128;

/// What follows ON or OFF.
#[derive(Debug, Default)]
struct Options<'r> {
    modes: Modes,
    redirect: Option<Redirect>,
    prefixes: Vec<&'r [u8]>,
}

impl<'r> Options<'r> {
    fn parse(engine: &Engine, request: Request<'r>) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut words = request.skip(3).iter();
        while let Some(word) = words.next() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if is(b"bcast") {
                options.modes |= Modes::BROADCAST;
            } else if is(b"optin") {
                options.modes |= Modes::OPT_IN;
            } else if is(b"optout") {
                options.modes |= Modes::OPT_OUT;
            } else if is(b"noloop") {
                options.modes |= Modes::NO_LOOP;
            } else if is(b"redirect") {
                let number = words.next().ok_or(Error::SYNTAX)?;
                if options.redirect.is_some() {
                    return Err(ONE_REDIRECT);
                }
                options.redirect = Some(redirect(engine, number)?);
            } else if is(b"prefix") {
                options.prefixes.push(words.next().ok_or(Error::SYNTAX)?);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether the options agree with each other and with what the session has.
    fn check(&self, now: Option<&SessionTracking>) -> Result<(), Error> {
        let is = |mode| self.modes.contains(mode);
        let was = |mode| now.is_some_and(|now| now.modes.contains(mode));
        if !is(Modes::BROADCAST) && !self.prefixes.is_empty() {
            return Err(PREFIX_WITHOUT_BCAST);
        }
        if now.is_some() && is(Modes::BROADCAST) != was(Modes::BROADCAST) {
            return Err(SWITCHES_BCAST);
        }
        if is(Modes::BROADCAST) && self.modes.intersects(Modes::OPT_IN | Modes::OPT_OUT) {
            return Err(BCAST_WITH_OPT);
        }
        if is(Modes::OPT_IN) && is(Modes::OPT_OUT) {
            return Err(BOTH_OPTS);
        }
        if is(Modes::OPT_IN) && was(Modes::OPT_OUT) || is(Modes::OPT_OUT) && was(Modes::OPT_IN) {
            return Err(SWITCHES_OPT);
        }
        let none = SessionTracking::default();
        let had = now.unwrap_or(&none).prefixes();
        overlap(had, &self.prefixes).map_or(Ok(()), |found| Err(overlapping(found)))
    }
}

/// The session that lives under a number now; it may go later.
fn redirect(engine: &Engine, number: &[u8]) -> Result<Redirect, Error> {
    let number = parse_i64(number).ok_or(Error::NOT_AN_INTEGER)?;
    let client_id = u64::try_from(number).map_err(|_| NO_SUCH_CLIENT)?;
    let mut all = engine.sessions.iter();
    let found = all.find(|(_, state)| state.client_id == client_id);
    let (session, _) = found.ok_or(NO_SUCH_CLIENT)?;
    Ok(Redirect { client_id, session })
}

fn overlapping(found: Overlap<'_>) -> Error {
    let shown = |prefix: &[u8]| {
        let prefix = prefix.get(..ECHO_BYTES_MAX).unwrap_or(prefix);
        String::from_utf8_lossy(prefix).into_owned()
    };
    let with = if found.is_old {
        "an existing prefix"
    } else {
        "another provided prefix"
    };
    Error::told(format_args!(
        "ERR Prefix '{}' overlaps with {with} '{}'. Prefixes for a single client must not overlap.",
        shown(found.prefix),
        shown(found.other)
    ))
}

fn tracking(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.session_id();
    let options = Options::parse(ctx.engine(), request)?;
    let word = request.arg(2).unwrap_or_default();
    if word.eq_ignore_ascii_case(b"on") {
        options.check(ctx.session()?.tracking.as_deref())?;
        let (modes, redirect) = (options.modes, options.redirect);
        ctx.engine()
            .start_tracking(id, modes, redirect, &options.prefixes);
    } else if word.eq_ignore_ascii_case(b"off") {
        ctx.engine().stop_tracking(id);
    } else {
        return Err(Error::SYNTAX);
    }
    reply.ok();
    Ok(())
}

fn caching(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let tracking = ctx.session()?.tracking.as_mut().ok_or(NOT_TRACKING)?;
    let word = request.arg(2).unwrap_or_default();
    let (mode, otherwise) = if word.eq_ignore_ascii_case(b"yes") {
        (Modes::OPT_IN, NOT_OPT_IN)
    } else if word.eq_ignore_ascii_case(b"no") {
        (Modes::OPT_OUT, NOT_OPT_OUT)
    } else {
        return Err(Error::SYNTAX);
    };
    if !tracking.modes.contains(mode) {
        return Err(otherwise);
    }
    tracking.modes.insert(Modes::CACHING);
    reply.ok();
    Ok(())
}

fn getredir(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.int(SessionTracking::redirect_number(
        ctx.session()?.tracking.as_deref(),
    ));
    Ok(())
}

fn trackinginfo(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let tracking = ctx.session()?.tracking.as_deref();
    let modes = tracking.map_or(Modes::empty(), |tracking| tracking.modes);
    let is_caching = modes.contains(Modes::CACHING);
    let (opt_in, opt_out) = (
        modes.contains(Modes::OPT_IN),
        modes.contains(Modes::OPT_OUT),
    );
    let flags = [
        ("off", tracking.is_none()),
        ("on", tracking.is_some()),
        ("bcast", modes.contains(Modes::BROADCAST)),
        ("optin", opt_in),
        ("caching-yes", opt_in && is_caching),
        ("optout", opt_out),
        ("caching-no", opt_out && is_caching),
        ("noloop", modes.contains(Modes::NO_LOOP)),
        ("broken_redirect", modes.contains(Modes::BROKEN)),
    ];
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.iter().filter(|(_, is)| *is).count());
    for (flag, _) in flags.iter().filter(|(_, is)| *is) {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"redirect");
    reply.int(SessionTracking::redirect_number(tracking));
    reply.bulk(b"prefixes");
    let none = SessionTracking::default();
    let prefixes = tracking.unwrap_or(&none).prefixes();
    reply.array(prefixes.len());
    for prefix in prefixes {
        reply.bulk(prefix);
    }
    Ok(())
}
