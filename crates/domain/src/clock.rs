//! Time is passed in, so that tests and the simulator own it.

use chrono::{DateTime, Utc};

/// Where "now" comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
///
/// In builds with debug assertions `AVANCE_CLOCK_SHIFT_SECONDS` moves it, so that a journey can run the programs as
/// they are on a machine whose clock is wrong. Released programs never read it: whoever could set it could date what
/// they capture as they like. Setting the machine's own clock instead would need root and disturb every other test.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        shifted(Utc::now())
    }
}

#[cfg(not(debug_assertions))]
fn shifted(now: DateTime<Utc>) -> DateTime<Utc> {
    now
}

#[cfg(debug_assertions)]
fn shifted(now: DateTime<Utc>) -> DateTime<Utc> {
    static SHIFT: std::sync::OnceLock<chrono::TimeDelta> = std::sync::OnceLock::new();
    let shift = SHIFT.get_or_init(|| {
        let text = std::env::var("AVANCE_CLOCK_SHIFT_SECONDS").ok();
        let seconds = text.and_then(|text| text.parse().ok()).unwrap_or(0);
        chrono::TimeDelta::try_seconds(seconds).unwrap_or_default()
    });
    now.checked_add_signed(*shift).unwrap_or(now)
}
