//! Exhaustive bounded proofs: each module enumerates a whole small space and runs the production
//! function on every member of it. There is no library here, and nothing random: a proof that
//! passes once passes always. `README.md` beside this crate's manifest is the ledger.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod resp;
#[cfg(test)]
mod scan;
