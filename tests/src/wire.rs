//! A line that carries bytes as they come: it counts them, can hold a rate, and can be cut with everything that is on
//! it. [`crate::proxy`] takes whole requests apart and does something to each; a cut in the middle of one, at a moment
//! that the clock chooses, and a count of what really crossed are only had below that.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes taken at a time: small, so that a rate is held evenly and a cut loses little that was not sent.
const PIECE: usize = 16 * 1024;

/// One of the two directions.
#[derive(Clone, Copy, Debug)]
enum Way {
    Up,
    Down,
}

struct Shared {
    target: SocketAddr,
    /// Bytes a second in each direction; 0 for no limit.
    rate: AtomicU64,
    crossed: [AtomicU64; 2],
    /// When the line is free again, by direction.
    free: [Mutex<Instant>; 2],
    open: Mutex<BTreeMap<u64, [TcpStream; 2]>>,
    next: AtomicU64,
    ends: AtomicBool,
}

/// A line from an address of its own to another.
pub struct Wire {
    /// Where to connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// A line that carries everything.
    ///
    /// # Errors
    /// No free port.
    pub fn start(target: SocketAddr) -> std::io::Result<Wire> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let now = Instant::now();
        let shared = Arc::new(Shared {
            target,
            rate: AtomicU64::new(0),
            crossed: [AtomicU64::new(0), AtomicU64::new(0)],
            free: [Mutex::new(now), Mutex::new(now)],
            open: Mutex::new(BTreeMap::new()),
            next: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ends.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                // An endpoint that is not there is a connection that ends.
                let _ = shared.join(stream);
            }
        });
        Ok(Wire { address, shared: kept })
    }

    /// Its address for devices.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds a rate in each direction, bytes a second; 0 for none.
    pub fn hold(&self, rate: u64) {
        self.shared.rate.store(rate, Ordering::Relaxed);
    }

    /// Ends every connection, whatever is on it.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Cuts every so often until what is given is dropped; it says how often it hit a connection.
    pub fn cut_every(&self, pause: Duration) -> Cutting {
        let shared = Arc::clone(&self.shared);
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut hits = 0;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                hits += u64::from(shared.cut() > 0);
            }
            hits
        });
        Cutting { stop, thread }
    }

    /// Bytes that crossed since the last time this was asked: towards the target, and back.
    pub fn crossed(&self) -> (u64, u64) {
        let take = |way: Way| self.shared.crossed[way as usize].swap(0, Ordering::Relaxed);
        (take(Way::Up), take(Way::Down))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        self.shared.cut();
        let _ = TcpStream::connect(self.address);
    }
}

/// Cuts that go on.
pub struct Cutting {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Cutting {
    /// Ends them. Gives how many hit an open connection.
    pub fn end(self) -> u64 {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

impl Shared {
    fn cut(&self) -> usize {
        let open = std::mem::take(&mut *lock(&self.open));
        for stream in open.values().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        open.len()
    }

    fn join(self: &Arc<Shared>, device: TcpStream) -> std::io::Result<()> {
        let central = TcpStream::connect(self.target)?;
        for stream in [&device, &central] {
            stream.set_nodelay(true)?;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.open).insert(number, [device.try_clone()?, central.try_clone()?]);
        for (way, from, to) in
            [(Way::Up, device.try_clone()?, central.try_clone()?), (Way::Down, central, device)]
        {
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                // A connection that breaks ends both ways; one that was ended properly ends this way only.
                if shared.carry(way, &from, &to).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    let _ = to.shutdown(Shutdown::Both);
                }
                let _ = to.shutdown(Shutdown::Write);
                if matches!(way, Way::Down) {
                    lock(&shared.open).remove(&number);
                }
            });
        }
        Ok(())
    }

    fn carry(&self, way: Way, mut from: &TcpStream, mut to: &TcpStream) -> std::io::Result<()> {
        let mut piece = [0; PIECE];
        loop {
            let count = from.read(&mut piece)?;
            if count == 0 {
                return Ok(());
            }
            self.pace(way, count);
            to.write_all(&piece[..count])?;
            self.crossed[way as usize].fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Waits until the line has carried what is before this.
    fn pace(&self, way: Way, count: usize) {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == 0 {
            return;
        }
        let until = {
            let mut free = lock(&self.free[way as usize]);
            *free = (*free).max(Instant::now()) + Duration::from_secs_f64(count as f64 / rate as f64);
            *free
        };
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}
