//! How long images take to arrive: the delays of this module in one place.

use apimachinery::time::Duration;

/// From the request to a manifest: name lookup, token, two round trips. Also all that a pull takes when every layer is there.
pub const RESOLVE: Duration = Duration::from_millis(570);
/// Bytes of compressed layers that arrive and are unpacked in one second.
pub const BYTES_PER_S: u64 = 46_500_000;

/// Time to bring `bytes`, `slowness` times slower than usual.
pub fn transfer(bytes: u64, slowness: u32) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_PER_S * u64::from(slowness.max(1)))
}
