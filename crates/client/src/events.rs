//! What a window is told without asking.

use domain::command::Event;
use tokio::sync::broadcast;

/// Events a slow window may be behind; after that it asks for the lists again anyway.
const BACKLOG: usize = 1024;

/// Where events go.
pub(crate) struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Events {
        Events(broadcast::channel(BACKLOG).0)
    }
}

impl Events {
    /// Tells whoever listens; nobody listening is fine.
    pub(crate) fn say(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    /// Whether somebody listens: what is costly to make is made only then.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }
}
