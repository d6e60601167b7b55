//! Fetches snapshots, piece by piece: a line that breaks costs one piece and not the whole.

use domain::evidence::is_sha256;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::wire::{MAX_SNAPSHOT, MAX_SNAPSHOT_RAW, SNAPSHOT_PIECE, Snapshot};

use super::engine::Exchange;
use crate::error::Error;
use crate::store::blocking;

/// How often snapshots that are gone or damaged are asked for again before the device asks for every change instead.
pub(super) const PATIENCE: u32 = 2;

impl Exchange<'_> {
    /// The bytes of a snapshot, with the hash it is named by. None when it is gone or is not what was named: then the
    /// endpoint is asked again where to begin. What came of one is kept, so that the next try goes on from there; in
    /// memory, because nothing of it may lie on the disk in the open.
    pub(super) async fn fetch(&self, snapshot: &Snapshot) -> Result<Option<Vec<u8>>, Error> {
        let fits = snapshot.bytes <= MAX_SNAPSHOT && snapshot.raw_bytes <= MAX_SNAPSHOT_RAW;
        if !fits || !is_sha256(&snapshot.sha256) {
            tracing::warn!(?snapshot, "a snapshot that is not accepted");
            return Ok(None);
        }
        let (transport, sha256) = (&self.transport, snapshot.sha256.as_str());
        let mut there = self.inner.link.fetched(sha256);
        while there < snapshot.bytes {
            let n = there / SNAPSHOT_PIECE as u64;
            let piece =
                self.with_token(|token| async move { transport.piece(&token, sha256, n).await }).await;
            let piece = match piece.map_err(Problem::from) {
                Ok(piece) => piece,
                Err(problem) if problem.code == Code::NotFound => {
                    self.inner.link.take_fetched();
                    return Ok(None);
                }
                Err(problem) => return Err(problem.into()),
            };
            if piece.len() as u64 != (snapshot.bytes - there).min(SNAPSHOT_PIECE as u64) {
                self.inner.link.take_fetched();
                return Ok(None);
            }
            there = self.inner.link.fetch(sha256, &piece);
            self.inner.link.progress();
        }
        let bytes = self.inner.link.take_fetched();
        let named = snapshot.sha256.clone();
        blocking(&self.store, move |_| {
            let found = sha256_hex(&bytes);
            if found == named {
                return Ok(Some(bytes));
            }
            tracing::warn!(named, found, "a snapshot came damaged");
            Ok(None)
        })
        .await
    }
}
