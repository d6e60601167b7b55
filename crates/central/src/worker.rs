//! The background: decides and publishes whenever there is something, and looks again every second because another
//! process (`load`) may have queued work.

use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::{accept, publish, review, roots};

/// How often the queue is looked at when nobody says anything.
const LOOK: Duration = Duration::from_secs(1);

/// Does everything that is queued, once. Gives whether anything was done.
///
/// # Errors
/// The disk or the database. What was queued stays queued.
pub fn once(endpoint: &Endpoint) -> anyhow::Result<bool> {
    let accepted = accept::run(endpoint)?;
    // Before what names its index; what went wrong with it is no reason not to publish.
    let rooted = roots::write(endpoint);
    let note = publish::run(endpoint)?;
    if let Some(note) = &note {
        tracing::info!(
            accepted,
            projects = note.projects.len(),
            releases = note.releases.len(),
            held = note.held.len(),
            "published"
        );
    }
    rooted?;
    // What was only held back or failed has its own time to be tried again.
    Ok(accepted > 0 || note.is_some_and(|note| !note.projects.is_empty()))
}

/// Works until the process ends. A failure is logged and tried again: the timer always re-arms.
pub async fn work(endpoint: Arc<Endpoint>) {
    let mut pause = LOOK;
    let first = endpoint.clone();
    match tokio::task::spawn_blocking(move || review::look_again(&first)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "what waits for a review was not looked at again"),
        Err(error) => tracing::error!(%error, "the background stopped on a defect"),
    }
    loop {
        let worker = endpoint.clone();
        match tokio::task::spawn_blocking(move || once(&worker)).await {
            Ok(Ok(true)) => {
                pause = LOOK;
                continue;
            }
            Ok(Ok(false)) => pause = LOOK,
            Ok(Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "the background could not do its work");
                pause = (pause * 2).min(Duration::from_secs(60));
            }
            Err(error) => {
                tracing::error!(%error, "the background stopped on a defect");
                pause = (pause * 2).min(Duration::from_secs(60));
            }
        }
        tokio::select! {
            () = endpoint.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Makes the files of everything whenever they are due, until the process ends. Beside the other work, which does not
/// wait for it: what is accepted meanwhile is public within a second.
pub async fn bulk(endpoint: Arc<Endpoint>) {
    let mut pause = LOOK;
    loop {
        tokio::time::sleep(pause).await;
        let worker = endpoint.clone();
        match tokio::task::spawn_blocking(move || publish::bulk::if_due(&worker)).await {
            Ok(Ok(done)) => {
                pause = LOOK;
                if let Some(done) = done {
                    tracing::info!(files = done.files, changed = done.changed, "files of everything");
                }
            }
            Ok(Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "the files of everything could not be made");
                pause = (pause * 2).min(Duration::from_secs(60));
            }
            Err(error) => {
                tracing::error!(%error, "the files of everything stopped on a defect");
                pause = (pause * 2).min(Duration::from_secs(60));
            }
        }
    }
}
