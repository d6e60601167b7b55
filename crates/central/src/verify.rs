//! `avance-central verify`: the chain of every stream, entry by entry, and the releases against their processes.

use domain::history::Head;

use crate::store::{Result, Tx};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Streams read.
    pub streams: u64,
    /// Entries read.
    pub entries: u64,
    /// What does not hold, one line each.
    pub broken: Vec<String>,
}

/// Reads every stream from its beginning.
pub fn verify(tx: &dyn Tx) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    for stream in tx.streams()? {
        verdict.streams += 1;
        let mut head = Head::default();
        'stream: loop {
            let changes = tx.changes(&stream, head.seq, 1_000)?;
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                verdict.entries += 1;
                if let Err(error) = head.take(change) {
                    verdict.broken.push(error.to_string());
                    break 'stream;
                }
            }
        }
        let kept = tx.head(&stream)?;
        if kept != head && !verdict.broken.iter().any(|line| line.contains(&stream)) {
            verdict.broken.push(format!(
                "stream {stream}: its entries end at {} with {}, its head says {} with {}",
                head.seq, head.chain, kept.seq, kept.chain
            ));
        }
    }
    Ok(verdict)
}
