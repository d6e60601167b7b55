//! How far sending is, on one line of a terminal that is written over. In a pipe there is none: whoever reads it later
//! wants lines.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use client::Client;
use domain::command::Event;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::prose::{self, Language};

/// Takes away what the line says.
const CLEAR: &str = "\r\x1b[K";

/// The line, until it is dropped.
pub(crate) struct Line {
    task: JoinHandle<()>,
    /// Whether it may still be written; held while it is.
    lives: Arc<Mutex<bool>>,
}

impl Line {
    /// Begins the line, if somebody sees it.
    pub(crate) fn begin(client: &Client, language: Language) -> Option<Line> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let lives = Arc::new(Mutex::new(true));
        let (kept, client) = (Arc::clone(&lives), client.clone());
        let mut events = client.events();
        let task = tokio::spawn(async move {
            let mut file = None;
            loop {
                match events.recv().await {
                    Ok(Event::FileProgress { sent, size, .. }) => {
                        file = Some((sent, size)).filter(|_| sent < size);
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                }
                let Ok(status) = client.status() else { continue };
                let lives = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if *lives {
                    let text = prose::sending(language, &status, file);
                    let _ = write!(std::io::stderr().lock(), "{CLEAR}{text}");
                }
            }
        });
        Some(Line { task, lives })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
        *self.lives.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let _ = write!(std::io::stderr().lock(), "{CLEAR}");
    }
}
