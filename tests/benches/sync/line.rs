//! The load: prepared requests on connections that stay open, each answered before the next, with every byte counted.
//!
//! No HTTP library: what it does between the clock and the socket would be measured too, on the same two cores.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// An answer.
pub struct Said {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A connection.
pub struct Line {
    stream: BufReader<TcpStream>,
    /// Bytes sent and received so far.
    pub up: u64,
    pub down: u64,
}

/// A request with its body, ready to be sent.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    request
}

impl Line {
    pub fn open(address: SocketAddr) -> Result<Line> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Line { stream: BufReader::with_capacity(64 * 1024, stream), up: 0, down: 0 })
    }

    /// Sends a request and reads its answer to the end.
    pub fn ask(&mut self, request: &[u8]) -> Result<Said> {
        self.stream.get_mut().write_all(request)?;
        self.up += request.len() as u64;
        let first = self.text()?;
        let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.with_context(|| format!("not an answer: {first:?}"))?;
        let (mut length, mut chunked, mut compressed) = (0, false, false);
        loop {
            let line = self.text()?;
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "content-encoding" => compressed = value == "zstd",
                _ => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = usize::from_str_radix(self.text()?.trim(), 16).context("the size of a chunk")?;
                self.bytes(size, &mut body)?;
                self.text()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.bytes(length, &mut body)?;
        }
        if compressed {
            body = zstd::decode_all(body.as_slice())?;
        }
        Ok(Said { status, body })
    }

    fn text(&mut self) -> Result<String> {
        let mut line = String::new();
        let count = self.stream.read_line(&mut line)?;
        if count == 0 {
            bail!("the connection ended");
        }
        self.down += count as u64;
        Ok(line.trim_end().to_owned())
    }

    fn bytes(&mut self, count: usize, into: &mut Vec<u8>) -> Result<()> {
        let start = into.len();
        into.resize(start + count, 0);
        self.stream.read_exact(&mut into[start..])?;
        self.down += count as u64;
        Ok(())
    }
}

/// What a load did.
pub struct Driven {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Of each request, in milliseconds.
    pub waits: Vec<f64>,
    pub up: u64,
    pub down: u64,
    /// Every answer, by connection.
    pub answers: Vec<Vec<Said>>,
}

/// Sends each list of requests on a connection of its own, all at the same time.
pub fn drive(address: SocketAddr, work: &[Vec<Vec<u8>>]) -> Result<Driven> {
    let gate = Barrier::new(work.len() + 1);
    let mut lines = work.iter().map(|_| Line::open(address)).collect::<Result<Vec<_>>>()?;
    let (seconds, done) = std::thread::scope(|scope| {
        let threads: Vec<_> = lines
            .iter_mut()
            .zip(work)
            .map(|(line, requests)| {
                let gate = &gate;
                scope.spawn(move || -> Result<(Vec<f64>, Vec<Said>)> {
                    let (mut waits, mut answers) = (Vec::new(), Vec::new());
                    gate.wait();
                    for request in requests {
                        let start = Instant::now();
                        let said = line.ask(request)?;
                        waits.push(start.elapsed().as_secs_f64() * 1e3);
                        if said.status >= 300 {
                            bail!("{}: {}", said.status, String::from_utf8_lossy(&said.body));
                        }
                        answers.push(said);
                    }
                    Ok((waits, answers))
                })
            })
            .collect();
        gate.wait();
        let start = Instant::now();
        let done: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        (start.elapsed().as_secs_f64(), done)
    });
    let mut driven = Driven { seconds, waits: Vec::new(), up: 0, down: 0, answers: Vec::new() };
    for one in done {
        let (waits, answers) = one.map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??;
        driven.waits.extend(waits);
        driven.answers.push(answers);
    }
    for line in &lines {
        driven.up += line.up;
        driven.down += line.down;
    }
    Ok(driven)
}
