//! The limit of open files, and what it means for the number of clients.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not clients: listeners, log, files, the loop itself.
const RESERVED: u64 = 32;

/// How far the limit is lowered between two tries.
const STEP: u64 = 16;

/// What came of making room for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// Clients that fit.
    pub(crate) maxclients: u64,
    /// What is to be logged as a notice.
    pub(crate) notice: Option<String>,
    /// What is to be logged as warnings.
    pub(crate) warnings: Vec<String>,
}

/// The limit is too low for any client at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Your current 'ulimit -n' of {current} is not enough for the server to start. Please \
     increase your open file limit to at least {needed}. Exiting."
)]
pub(crate) struct NoRoom {
    current: u64,
    needed: u64,
}

/// Raises the limit of open files so that `maxclients` fit, or lowers the number of clients.
///
/// # Errors
/// When not a single client fits.
pub(crate) fn make_room(maxclients: u64) -> Result<Room, NoRoom> {
    let needed = maxclients.saturating_add(RESERVED);
    let limit = getrlimit(Resource::Nofile);
    let old = limit.current.unwrap_or(u64::MAX);
    if old >= needed {
        return Ok(Room {
            maxclients,
            notice: None,
            warnings: Vec::new(),
        });
    }
    let mut reason = None;
    let mut best = needed;
    while best > old {
        // The hard limit stays where it is unless it has to grow: raising it later needs rights.
        let hard = limit.maximum.map(|hard| hard.max(best));
        match setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(best),
                maximum: hard,
            },
        ) {
            Ok(()) => break,
            Err(error) => reason = Some(error),
        }
        best = best.saturating_sub(STEP);
    }
    let best = best.max(old);
    if best >= needed {
        let notice = format!(
            "Increased maximum number of open files to {needed} (it was originally set to {old})."
        );
        return Ok(Room {
            maxclients,
            notice: Some(notice),
            warnings: Vec::new(),
        });
    }
    let fits = best.saturating_sub(RESERVED);
    if fits == 0 {
        return Err(NoRoom {
            current: old,
            needed,
        });
    }
    let reason = reason.map_or_else(String::new, |error| {
        crate::listen::system_text(&std::io::Error::from(error))
    });
    let warnings = vec![
        format!(
            "You requested maxclients of {maxclients} requiring at least {needed} max file \
             descriptors."
        ),
        format!("Server can't set maximum open files to {needed} because of OS error: {reason}."),
        format!(
            "Current maximum open files is {best}. maxclients has been reduced to {fits} to \
             compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
        ),
    ];
    Ok(Room {
        maxclients: fits,
        notice: None,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        let room = make_room(8);
        assert_eq!(
            room,
            Ok(Room {
                maxclients: 8,
                notice: None,
                warnings: Vec::new()
            })
        );
    }
}
