//! Files: offered after the text that names them, in chunks that are each confirmed, so that nothing is sent twice.

use std::time::{Duration, Instant};

use domain::command::Event;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::seeded::{self, Bug};
use domain::wire::{EvidenceAnswer, EvidenceOffer};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::engine::Exchange;
use crate::error::Error;
use crate::store::files::StoredFile;
use crate::store::{blocking, files, outbox};

/// Files that are under way at a time: while the disk of the endpoint confirms a piece of one, the line carries a piece
/// of the other. More would only lose more when the line is cut.
const TOGETHER: usize = 2;
/// Shortest time between two words about the bytes of one file.
const BETWEEN: Duration = Duration::from_millis(250);

impl Exchange<'_> {
    /// Sends files, small to large, until an operation waits that was not offered yet (`offered`: the last that was).
    /// Answers how many arrived and why the first that did not was not taken.
    pub(super) async fn send_files(&self, offered: u64) -> Result<(u32, Option<Problem>), Error> {
        let mut files = self.read(files::to_send).await?.into_iter();
        let mut under_way = FuturesUnordered::new();
        let (mut sent, mut problem) = (0, None);
        // Whether no other is begun; what is under way comes to its end.
        let mut ends = false;
        loop {
            while !ends && under_way.len() < TOGETHER {
                // Somebody may have said meanwhile that the connection is metered.
                ends = self.is_text_only().await?;
                match files.next().filter(|_| !ends) {
                    Some(file) => under_way.push(self.settle_file(file)),
                    None => ends = true,
                }
            }
            let Some(settled) = under_way.next().await else { return Ok((sent, problem)) };
            match settled? {
                None => {
                    sent += 1;
                    // Text goes before photographs, also text that was written meanwhile.
                    let device = self.identity.device_id;
                    if !ends && self.read(move |c| outbox::last_ready(c, device)).await? > offered {
                        self.inner.wake.notify_one();
                        ends = true;
                    }
                }
                // Not for now: it is not (yet, or any more) for this device to send, and that is no failure.
                Some(reason) if reason.code == Code::NotFound => {}
                Some(reason) => _ = problem.get_or_insert(reason),
            }
        }
    }

    /// Sends a file and keeps what came of it: nothing when it arrived, or why it was not taken. An error is not about
    /// the file: whatever is asked next fails too.
    async fn settle_file(&self, file: StoredFile) -> Result<Option<Problem>, Error> {
        let sha256 = file.sha256.clone();
        match self.send_file(&file).await {
            Ok(()) => {
                let now = self.inner.clock.now();
                self.write(move |tx| files::confirm(tx, &sha256, now)).await?;
                self.inner.link.progress();
                self.inner.say(Event::Changed);
                self.inner.say_status();
                Ok(None)
            }
            Err(error) => {
                let reason = Problem::from(error);
                if !is_about_the_file(reason.code) {
                    return Err(reason.into());
                }
                let kept = reason.clone();
                self.write(move |tx| files::set_problem(tx, &sha256, &kept)).await?;
                Ok(Some(reason))
            }
        }
    }

    async fn send_file(&self, file: &StoredFile) -> Result<(), Error> {
        let offer = EvidenceOffer {
            sha256: file.sha256.clone(),
            size: file.size,
            media_type: file.media_type.as_str().to_owned(),
        };
        let (transport, offer) = (&self.transport, &offer);
        let answer = self.with_token(|token| async move { transport.offer(&token, offer).await }).await?;
        let (upload, chunk_size, there) = match answer {
            EvidenceAnswer::Have => return Ok(()),
            EvidenceAnswer::Upload { upload_id, chunk_size, there } => (upload_id, chunk_size, there),
        };
        if chunk_size == 0 || chunk_size > domain::evidence::MAX_BYTES {
            return Err(Problem::new(Code::ServerNotOurs)
                .with("server", self.identity.server.clone())
                .into());
        }
        let mut meter = Meter::default();
        let mut sent = there.iter().map(|n| self.length(file, chunk_size, *n)).sum::<u64>();
        self.tell_bytes(file, sent, &mut meter);
        for n in (0..file.size.div_ceil(chunk_size)).filter(|n| !there.contains(n)) {
            let sha256 = file.sha256.clone();
            let bytes = blocking(&self.store, move |store| {
                store.blobs(|blobs| files::get_range(blobs, &sha256, n * chunk_size, chunk_size))
            })
            .await?;
            if bytes.len() as u64 != self.length(file, chunk_size, n) {
                return Err(Error::Stored { what: "the bytes of a file" });
            }
            let digest = sha256_hex(&bytes);
            let (upload, bytes, digest) = (&upload, &bytes, &digest);
            self.with_token(|token| async move {
                transport.chunk(&token, upload, n, bytes.clone(), digest).await
            })
            .await?;
            sent += bytes.len() as u64;
            self.inner.link.progress();
            self.tell_bytes(file, sent, &mut meter);
        }
        if seeded::is(Bug::FileConfirmedUnverified) {
            return Ok(());
        }
        let upload = &upload;
        self.with_token(|token| async move { transport.complete(&token, upload).await }).await
    }

    fn tell_bytes(&self, file: &StoredFile, sent: u64, meter: &mut Meter) {
        if meter.is_due(Instant::now(), sent >= file.size) {
            self.inner.say(Event::FileProgress { sha256: file.sha256.clone(), sent, size: file.size });
        }
    }

    /// Bytes of chunk `n`; the last one is shorter.
    fn length(&self, file: &StoredFile, chunk_size: u64, n: u64) -> u64 {
        file.size.saturating_sub(n.saturating_mul(chunk_size)).min(chunk_size)
    }
}

/// Says when to tell how far a file is: at its beginning and its end, and not too often between.
#[derive(Default)]
struct Meter(Option<Instant>);

impl Meter {
    fn is_due(&mut self, now: Instant, ends: bool) -> bool {
        let due = ends || self.0.is_none_or(|told| now.duration_since(told) >= BETWEEN);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

/// Whether a problem concerns one file, so that the others may still go.
fn is_about_the_file(code: Code) -> bool {
    matches!(
        code,
        Code::EvidenceHashMismatch
            | Code::EvidenceTooLarge
            | Code::EvidenceNotReadable
            | Code::EvidenceTypeUnknown
            | Code::TooLarge
            | Code::NotFound
            | Code::Forbidden
            | Code::MalformedRequest
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_speaks_four_times_a_second_and_at_its_ends() {
        let start = Instant::now();
        let mut meter = Meter::default();
        let told = |ms: &u64| meter.is_due(start + Duration::from_millis(*ms), *ms == 1_010);
        let times: Vec<u64> = (0..=101).map(|n| n * 10).filter(told).collect();
        assert_eq!(times, [0, 250, 500, 750, 1_000, 1_010]);
    }
}
