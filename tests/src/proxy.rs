//! A bad line: a TCP proxy between a device and the central endpoint that does to each request what a plan says, and
//! counts what it really did. One request to a connection (`Connection: close` towards the endpoint), so that a fault
//! always hits one request and its answer.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a held request waits for another to pass it.
const PASSING: Duration = Duration::from_millis(500);
/// How long a half-open connection is held.
const HALF_OPEN: Duration = Duration::from_secs(120);
/// Longest head of a request.
const MAX_HEAD: usize = 64 * 1024;

/// What may happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The connection ends before anything is read.
    Refuse,
    /// Accepted, and never a byte.
    HalfOpen,
    /// The endpoint gets the first bytes of the request only.
    CutRequest,
    /// The device gets the first bytes of the answer only.
    CutReply,
    /// The answer comes late.
    Delay,
    /// The answer comes in drops.
    Trickle,
    /// Sent twice; the device gets the first answer.
    TwiceFirst,
    /// Sent twice; the device gets the second answer.
    TwiceSecond,
    /// Sent twice at the same time; the device gets no answer.
    TwiceNone,
    /// Delivered whole; the answer is lost.
    LoseReply,
    /// A login page says 200.
    LoginPage,
    /// A gateway says 502, in HTML.
    BadGateway,
    /// A later request of another connection arrives first.
    Reorder,
    /// The end of a compressed request is missing, in a message that is whole.
    TruncateRequest,
    /// The end of a compressed answer is missing, in a message that is whole.
    TruncateReply,
    /// One byte of the request's body is another.
    GarbleRequest,
    /// One byte of the answer's body is another.
    GarbleReply,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Fault; 17] = [
        Fault::Refuse,
        Fault::HalfOpen,
        Fault::CutRequest,
        Fault::CutReply,
        Fault::Delay,
        Fault::Trickle,
        Fault::TwiceFirst,
        Fault::TwiceSecond,
        Fault::TwiceNone,
        Fault::LoseReply,
        Fault::LoginPage,
        Fault::BadGateway,
        Fault::Reorder,
        Fault::TruncateRequest,
        Fault::TruncateReply,
        Fault::GarbleRequest,
        Fault::GarbleReply,
    ];

    /// Whether it can happen to a request. What needs a compressed answer shows only then.
    fn fits(self, request: &Request) -> bool {
        match self {
            Fault::TwiceFirst | Fault::TwiceSecond | Fault::TwiceNone | Fault::LoseReply => request.writes(),
            Fault::GarbleRequest => request.length > 0,
            Fault::TruncateRequest => request.length > 1 && request.compressed,
            Fault::TruncateReply => request.path.contains("/sync/pull"),
            _ => true,
        }
    }
}

/// What a line does with a request.
pub enum Act {
    /// Carries it as it is.
    Carry,
    /// Does this to it.
    Do(Fault),
    /// Answers in the endpoint's place: status line and headers, then the body.
    Say(String, String),
}

/// What is known of a request when its head was read.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, `PUT`.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Bytes of its body.
    pub length: usize,
    /// Whether the body is zstd.
    pub compressed: bool,
}

impl Request {
    /// Whether it may change something.
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }
}

/// Numbers that follow from a seed (SplitMix64): the same plan again for the same seed, without another dependency.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).expect("below a usize")
    }
}

/// Faults still to happen, and how often each did.
struct Plan {
    deck: VecDeque<Fault>,
    hits: BTreeMap<Fault, u64>,
}

/// How a line is at the moment.
type Decide = Box<dyn FnMut(&Request) -> Act + Send>;

struct Shared {
    target: SocketAddr,
    decide: Mutex<Option<Decide>>,
    plan: Mutex<Plan>,
    dice: Mutex<Dice>,
    /// Counts requests that went on to the endpoint.
    passed: AtomicU64,
    seen: Mutex<Vec<(Instant, Request)>>,
    ends: AtomicBool,
}

/// A line from an address of its own to the endpoint. Carries everything until it is told otherwise.
pub struct Proxy {
    /// Where devices connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// A line to the endpoint.
    pub fn start(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a port");
        let shared = Arc::new(Shared {
            target,
            decide: Mutex::new(None),
            plan: Mutex::new(Plan { deck: VecDeque::new(), hits: BTreeMap::new() }),
            dice: Mutex::new(Dice::new(0)),
            passed: AtomicU64::new(0),
            seen: Mutex::new(Vec::new()),
            ends: AtomicBool::new(false),
        });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ends.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&shared);
                // A connection that breaks is what this is for.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Proxy { address, shared: kept }
    }

    /// Its address for devices.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on each request meets what this says.
    pub fn decide(&self, decide: impl FnMut(&Request) -> Act + Send + 'static) {
        *lock(&self.shared.decide) = Some(Box::new(decide));
    }

    /// Carries everything again.
    pub fn heal(&self) {
        *lock(&self.shared.decide) = None;
    }

    /// Plans so many faults, every kind about as often, in an order that follows from the seed. About a third of the
    /// requests meets one until none is left.
    pub fn plan(&self, seed: u64, faults: usize) {
        let mut dice = Dice::new(seed);
        let mut deck: Vec<Fault> = (0..faults).map(|n| Fault::ALL[n % Fault::ALL.len()]).collect();
        for n in (1..deck.len()).rev() {
            deck.swap(n, dice.below(n + 1));
        }
        lock(&self.shared.plan).deck = deck.into();
        *lock(&self.shared.dice) = dice.clone();
        let shared = Arc::clone(&self.shared);
        self.decide(move |request| {
            if dice.below(3) > 0 {
                return Act::Carry;
            }
            let mut plan = lock(&shared.plan);
            let next = plan.deck.iter().position(|fault| fault.fits(request));
            next.and_then(|next| plan.deck.remove(next)).map_or(Act::Carry, Act::Do)
        });
    }

    /// Faults that were planned and have not happened.
    pub fn left(&self) -> usize {
        lock(&self.shared.plan).deck.len()
    }

    /// How often each kind really happened.
    pub fn hits(&self) -> BTreeMap<Fault, u64> {
        lock(&self.shared.plan).hits.clone()
    }

    /// Every request so far, with when its head had arrived.
    pub fn seen(&self) -> Vec<(Instant, Request)> {
        lock(&self.shared.seen).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn below(&self, limit: usize) -> usize {
        lock(&self.dice).below(limit)
    }

    fn hit(&self, fault: Fault) {
        *lock(&self.plan).hits.entry(fault).or_default() += 1;
    }

    /// One connection, one request.
    fn serve(&self, mut device: TcpStream) -> std::io::Result<()> {
        device.set_read_timeout(Some(Duration::from_secs(60)))?;
        let Some((head, rest)) = read_head(&mut device)? else { return Ok(()) };
        let request = understand(&head);
        lock(&self.seen).push((Instant::now(), request.clone()));
        let act = lock(&self.decide).as_mut().map_or(Act::Carry, |decide| decide(&request));
        match act {
            Act::Carry => {
                let body = read_body(&mut device, rest, request.length)?;
                device.write_all(&self.exchange(&head, &body)?)
            }
            Act::Say(head, body) => {
                read_body(&mut device, rest, request.length)?;
                self.say(&mut device, &head, &body)
            }
            Act::Do(fault) => {
                let done = self.suffer(fault, &mut device, &request, &head, rest);
                // What did not come to pass is still planned.
                match &done {
                    Ok(true) if fault == Fault::HalfOpen => {}
                    Ok(true) => self.hit(fault),
                    Ok(false) | Err(_) => lock(&self.plan).deck.push_back(fault),
                }
                done.map(|_| ())
            }
        }
    }

    /// Does a fault to a request. Answers whether it really happened.
    fn suffer(
        &self,
        fault: Fault,
        device: &mut TcpStream,
        request: &Request,
        head: &str,
        rest: Vec<u8>,
    ) -> std::io::Result<bool> {
        match fault {
            Fault::Refuse => {
                device.shutdown(Shutdown::Both)?;
                return Ok(true);
            }
            // The body stays unread too: the device's own buffers fill up. Counted first: the end is far away.
            Fault::HalfOpen => {
                self.hit(fault);
                let since = Instant::now();
                while since.elapsed() < HALF_OPEN && !self.ends.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(50));
                }
                return Ok(true);
            }
            _ => {}
        }
        let mut body = read_body(device, rest, request.length)?;
        match fault {
            Fault::Refuse | Fault::HalfOpen => {}
            Fault::CutRequest => {
                let mut all = whole(head, &body);
                all.truncate(1 + self.below(all.len() - 1));
                let mut central = TcpStream::connect(self.target)?;
                central.write_all(&all)?;
                central.shutdown(Shutdown::Both)?;
            }
            Fault::CutReply => {
                let reply = self.exchange(head, &body)?;
                let end = self.below(reply.len());
                device.write_all(&reply[..end])?;
            }
            Fault::Delay => {
                std::thread::sleep(Duration::from_millis(50 + self.below(250) as u64));
                device.write_all(&self.exchange(head, &body)?)?;
            }
            Fault::Trickle => {
                let reply = self.exchange(head, &body)?;
                for piece in reply.chunks(reply.len() / 40 + 1) {
                    device.write_all(piece)?;
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Fault::TwiceFirst => {
                let first = self.exchange(head, &body)?;
                self.exchange(head, &body)?;
                device.write_all(&first)?;
            }
            Fault::TwiceSecond => {
                self.exchange(head, &body)?;
                device.write_all(&self.exchange(head, &body)?)?;
            }
            Fault::TwiceNone => {
                let both = std::thread::scope(|scope| {
                    let other = scope.spawn(|| self.exchange(head, &body));
                    let one = self.exchange(head, &body);
                    (one, other.join().expect("an exchange does not panic"))
                });
                both.0?;
                both.1?;
            }
            Fault::LoseReply => {
                self.exchange(head, &body)?;
            }
            Fault::LoginPage => {
                let page = "<!doctype html><title>Red de visitantes</title><form>usuario</form>";
                self.say(device, "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8", page)?;
            }
            Fault::BadGateway => {
                let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
                self.say(device, "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html", page)?;
            }
            Fault::Reorder => {
                let before = self.passed.load(Ordering::SeqCst);
                let since = Instant::now();
                while self.passed.load(Ordering::SeqCst) == before && since.elapsed() < PASSING {
                    std::thread::sleep(Duration::from_millis(2));
                }
                let overtaken = self.passed.load(Ordering::SeqCst) > before;
                device.write_all(&self.exchange(head, &body)?)?;
                return Ok(overtaken);
            }
            Fault::TruncateRequest => {
                body.truncate(1 + self.below(body.len() - 1));
                device.write_all(&self.exchange(&with_length(head, body.len()), &body)?)?;
            }
            Fault::GarbleRequest => {
                let place = self.below(body.len());
                body[place] ^= 1 << self.below(8);
                device.write_all(&self.exchange(head, &body)?)?;
            }
            Fault::TruncateReply | Fault::GarbleReply => {
                let reply = self.exchange(head, &body)?;
                let (reply_head, mut reply_body) = split(reply);
                let zstd = reply_head.to_ascii_lowercase().contains("content-encoding: zstd");
                if reply_body.is_empty() || (fault == Fault::TruncateReply && !zstd) {
                    device.write_all(&whole(&reply_head, &reply_body))?;
                    return Ok(false);
                }
                if fault == Fault::TruncateReply {
                    reply_body.truncate(self.below(reply_body.len()));
                } else {
                    let place = self.below(reply_body.len());
                    reply_body[place] ^= 1 << self.below(8);
                }
                device.write_all(&whole(&with_length(&reply_head, reply_body.len()), &reply_body))?;
            }
        }
        Ok(true)
    }

    /// Sends a request to the endpoint on a connection of its own and reads the answer to its end.
    fn exchange(&self, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut central = TcpStream::connect(self.target)?;
        central.set_read_timeout(Some(Duration::from_secs(60)))?;
        let head = head.strip_suffix("\r\n").unwrap_or(head);
        central.write_all(&whole(&format!("{head}connection: close\r\n\r\n"), body))?;
        let mut reply = Vec::new();
        central.read_to_end(&mut reply)?;
        self.passed.fetch_add(1, Ordering::SeqCst);
        if reply.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(reply) }
    }

    fn say(&self, device: &mut TcpStream, head: &str, body: &str) -> std::io::Result<()> {
        let head = format!("{head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        device.write_all(&whole(&head, body.as_bytes()))
    }
}

fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let mut all = head.as_bytes().to_vec();
    all.extend_from_slice(body);
    all
}

/// Reads to the empty line; gives the head with it, and what came after.
fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), rest)));
        }
        let read = stream.read(&mut piece)?;
        if read == 0 || bytes.len() > MAX_HEAD {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}

fn read_body(stream: &mut TcpStream, mut body: Vec<u8>, length: usize) -> std::io::Result<Vec<u8>> {
    let have = body.len();
    body.resize(length.max(have), 0);
    stream.read_exact(&mut body[have..])?;
    Ok(body)
}

fn understand(head: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: BTreeMap<String, &str> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        length: headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0),
        compressed: headers.get("content-encoding") == Some(&"zstd"),
    }
}

/// A head that announces another length.
fn with_length(head: &str, length: usize) -> String {
    let kept = head
        .trim_end()
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"))
        .collect::<Vec<_>>()
        .join("\r\n");
    format!("{kept}\r\ncontent-length: {length}\r\n\r\n")
}

/// An answer in its head (with the empty line) and its body.
fn split(mut reply: Vec<u8>) -> (String, Vec<u8>) {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").map_or(reply.len(), |end| end + 4);
    let body = reply.split_off(end);
    (String::from_utf8_lossy(&reply).into_owned(), body)
}
