//! Randomness, from one place: salts, keys, codes and identifiers.
//!
//! It is the operating system's. In builds with debug assertions a thread may be given a seed instead, so that a
//! simulation is the same every time; a released program has no such door. Passing a generator to every function that
//! makes a salt was rejected: it would run through most signatures of three crates and change nothing they do.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Fills bytes with randomness.
///
/// # Errors
/// The operating system has no source of randomness.
pub fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    #[cfg(debug_assertions)]
    if seeded::fill(bytes) {
        return Ok(());
    }
    getrandom::fill(bytes)
}

/// A new identifier (UUIDv7), ordered by the clock that is passed in.
///
/// # Panics
/// If the operating system has no source of randomness, where nothing safe can be done.
pub fn id(now: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    let mut bytes = [0u8; 10];
    fill(&mut bytes).expect("the operating system gives random bytes");
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// From now on what this thread draws follows from the seed. For the simulation only.
#[cfg(debug_assertions)]
pub fn seed_this_thread(seed: u64) {
    seeded::set(seed);
}

#[cfg(debug_assertions)]
mod seeded {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(super) fn set(seed: u64) {
        STATE.set(Some(seed));
    }

    /// Whether this thread has a seed; then the bytes are filled (SplitMix64).
    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        let Some(mut state) = STATE.get() else {
            return false;
        };
        for piece in bytes.chunks_mut(8) {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            piece.copy_from_slice(&mixed.to_le_bytes()[..piece.len()]);
        }
        STATE.set(Some(state));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_carry_the_clock_that_was_passed_in() {
        let now = DateTime::from_timestamp_millis(1_770_000_000_123).unwrap();
        let (one, two) = (id(now), id(now));
        assert_ne!(one, two);
        assert_eq!((one.get_version_num(), one.as_u128() >> 80), (7, 1_770_000_000_123));
    }

    #[test]
    fn only_a_thread_that_was_given_a_seed_repeats_itself() {
        let drawn = |seed: Option<u64>| {
            let draw = move || {
                if let Some(seed) = seed {
                    seed_this_thread(seed);
                }
                let mut bytes = [0u8; 20];
                fill(&mut bytes).unwrap();
                bytes
            };
            std::thread::spawn(draw).join().unwrap()
        };
        assert_eq!(drawn(Some(7)), drawn(Some(7)));
        assert_ne!(drawn(Some(7)), drawn(Some(8)));
        assert_ne!(drawn(None), drawn(None));
    }
}
