//! What may be on the disk after the power has failed: every choice of names, and of how much is
//! there of every file.

use alloc::{collections::BTreeMap, collections::BTreeSet, string::String, vec::Vec};

use super::disk::{Disk, Durability, Inode, apply};
use crate::{LogEvent, LogFault, LogReader};

/// Files by name.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// Calls `told` with every state that the disk may be in after the power has failed. Files that no
/// start reads are left out.
pub(super) fn each_image(disk: &Disk, told: &mut dyn FnMut(Image)) {
    let is_read = |name: &str| !name.starts_with("temp");
    let free: Vec<usize> = (0..disk.changes.len())
        .filter(|at| disk.changes[*at].state != Durability::Surely)
        .filter(|at| {
            disk.changes[*at]
                .names
                .iter()
                .any(|(name, _)| is_read(name))
        })
        .collect();
    // More changes than this are never without a sync between them.
    assert!(free.len() < 16, "{} names are not synced", free.len());
    let mut seen = BTreeSet::new();
    for choice in 0_u32..1 << free.len() {
        let mut names = disk.firm.clone();
        for (at, change) in disk.changes.iter().enumerate() {
            let place = free.iter().position(|free| *free == at);
            if place.is_none_or(|place| choice >> place & 1 == 1) {
                apply(&mut names, change);
            }
        }
        names.retain(|name, _| is_read(name));
        if seen.insert(names.clone()) {
            let names: Vec<(String, usize)> = names.into_iter().collect();
            with_contents(disk, &names, Image::new(), told);
        }
    }
}

fn with_contents(
    disk: &Disk,
    names: &[(String, usize)],
    image: Image,
    told: &mut dyn FnMut(Image),
) {
    let Some(((name, inode), rest)) = names.split_first() else {
        return told(image);
    };
    for bytes in contents(&disk.inodes[*inode]) {
        let mut image = image.clone();
        image.insert(name.clone(), bytes);
        with_contents(disk, rest, image, told);
    }
}

/// What may be there of a file. Of parts that are torn behind the same commands the shortest stands
/// for all: it is cut off there, whatever it is.
fn contents(inode: &Inode) -> Vec<Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut put = |bytes: Vec<u8>| _ = all.entry(reading(&bytes)).or_insert(bytes);
    let mut of = |bytes: &[u8]| {
        for len in lengths(inode, bytes.len()) {
            let mut bytes = bytes.get(..len).unwrap_or(bytes).to_vec();
            put(bytes.clone());
            for (from, to) in &inode.holes {
                if *to < len {
                    bytes[*from..*to].fill(0);
                }
            }
            put(bytes);
        }
    };
    of(&inode.bytes);
    if let Some(longer) = &inode.longer {
        of(longer);
    }
    all.into_values().collect()
}

/// What a start sees in a file: the part that is whole, and whether more is behind it; all of it
/// where that is no log, or a damaged one.
fn reading(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut reader = LogReader::new(0);
    reader.feed(bytes);
    let ended = loop {
        match reader.poll() {
            Ok(LogEvent::More) => break reader.finish(),
            Ok(_) => {}
            Err(fault) => break Err(fault),
        }
    };
    let good = usize::try_from(reader.good()).unwrap_or(usize::MAX);
    match (ended, bytes.get(..good)) {
        (Err(LogFault::Truncated), Some(whole)) => (whole.to_vec(), true),
        _ => (bytes.to_vec(), false),
    }
}

/// Where it may end: at the end of what is surely there, behind that, and for everything behind
/// that was written at once before it, at its end, and in its middle.
fn lengths(inode: &Inode, len: usize) -> BTreeSet<usize> {
    let firm = inode.firm;
    let mut lengths: BTreeSet<usize> = [firm, firm + 1, len, len.saturating_sub(1)].into();
    let mut before = inode.firm;
    for mark in &inode.marks {
        lengths.extend([
            before + 1,
            (before + *mark) / 2,
            mark.saturating_sub(1),
            *mark,
        ]);
        before = *mark;
    }
    lengths.retain(|at| *at >= inode.firm && *at <= len);
    lengths
}
