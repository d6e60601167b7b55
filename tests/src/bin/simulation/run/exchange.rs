//! One exchange between a device and a node, and what may come of it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::{Answered, Asked, Broken};
use domain::disk::{Moment, Trouble};
use domain::receipt::sha256_hex;
use domain::wire::BODY_SHA256;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;

use super::central_side::{NODES, plain_headers};
use super::check;
use super::fault::{Fault, Place};
use super::world::World;

/// Requests kept to be delivered again.
const KEPT: usize = 6;
/// Exchanges, of a hundred, to which something happens.
const FAULTY: u64 = 14;

type Come = Result<Answered, Broken>;

impl World<'_> {
    /// What a device asked goes its way, and the device goes on with what comes back.
    pub fn deliver(&mut self, d: usize) -> Result<()> {
        let Some(asked) = self.devices[d].line.take() else { return Ok(()) };
        self.told.exchanges += 1;
        check::asked(self, d, &asked)?;
        let n = self.chance.below(NODES);
        let what = asked.url.path().trim_start_matches("/api/v1/").to_owned();
        self.say(format!("{} asks node {n} for {what}, {} bytes", self.devices[d].name, asked.body.len()));
        let come = self.on_its_way(d, n, &asked)?;
        match &come {
            Ok(answer) => {
                let line = format!("     {} {} bytes", answer.status.as_u16(), answer.body.len());
                self.devices[d].answers.insert(what, answer.clone());
                self.say(line);
            }
            Err(broken) => self.say(format!("     {broken:?}")),
        }
        let dies = self.has(Fault::KillWriting) && come.is_ok() && self.chance.percent(5);
        if dies {
            let moments = [Moment::Begin, Moment::Commit, Moment::Committed];
            self.devices[d].disk.die(moments[self.chance.below(3)]);
        }
        self.devices[d].line.answer(come);
        self.devices[d].step();
        if dies && self.devices[d].disk.hits() > 0 {
            self.hit(Fault::KillWriting);
            return self.devices[d].kill();
        } else if dies {
            self.devices[d].disk.mend();
        }
        self.see_end(d);
        Ok(())
    }

    /// Lets a device come to the end of what it does, with a network that works.
    pub fn finish(&mut self, d: usize) -> Result<()> {
        if !self.devices[d].is_running() {
            return Ok(());
        }
        for _ in 0..2_000 {
            if !self.devices[d].is_running() {
                self.see_end(d);
                return Ok(());
            }
            let asked = self.devices[d].line.take().context("a device waits for something else")?;
            check::asked(self, d, &asked)?;
            let answer = self.serve(d, d % NODES, &asked)?;
            self.devices[d].line.answer(Ok(answer));
            self.devices[d].step();
        }
        bail!("I3: {} goes on asking for ever", self.devices[d].name)
    }

    fn serve(&mut self, d: usize, n: usize, asked: &Asked) -> Result<Answered> {
        let answer = self.central.serve(n, asked)?;
        check::answered(self, d, n, asked, &answer)?;
        Ok(answer)
    }

    /// What becomes of a request, and what comes back.
    fn on_its_way(&mut self, d: usize, n: usize, asked: &Asked) -> Result<Come> {
        let refused = || Broken::Refused("connection refused".into());
        if self.devices[d].cut_off.is_some_and(|(node, until)| node == n && self.step < until) {
            return Ok(Err(lost()));
        }
        if self.step < self.central.nodes[n].down_until {
            return Ok(Err(refused()));
        }
        if self.has(Fault::RequestLate) && self.old_requests.len() < KEPT && self.chance.percent(15) {
            self.old_requests.push_back(asked.clone());
        }
        if self.step < self.tight_until && offers_something(asked)? {
            return self.disk(d, n, asked, Fault::CentralFull);
        }
        let own: Vec<Fault> =
            self.faults.iter().copied().filter(|fault| fault.place() == Place::Exchange).collect();
        let fault = if self.chance.percent(FAULTY) { self.chance.pick(&own).copied() } else { None };
        let Some(fault) = fault else {
            return Ok(Ok(self.serve(d, n, asked)?));
        };
        match fault {
            Fault::CrashBefore | Fault::CrashAfter => self.crash(d, n, asked, fault),
            Fault::Serialization | Fault::CentralFull | Fault::CentralFailing => {
                self.disk(d, n, asked, fault)
            }
            _ => self.network(d, n, asked, fault),
        }
    }

    fn network(&mut self, d: usize, n: usize, asked: &Asked, fault: Fault) -> Result<Come> {
        let come = match fault {
            Fault::RequestLost => Err(lost()),
            Fault::ReplyLost => {
                self.serve(d, n, asked)?;
                Err(lost())
            }
            Fault::RequestTwice => {
                let other = self.chance.below(NODES);
                let first = self.serve(d, n, asked)?;
                let second = self.serve(d, other, asked)?;
                Ok(if self.chance.coin() { first } else { second })
            }
            Fault::RequestCut | Fault::RequestDamaged => {
                if asked.body.is_empty() {
                    return Ok(Ok(self.serve(d, n, asked)?));
                }
                let mut hurt = asked.clone();
                self.hurt(&mut hurt.body, fault == Fault::RequestCut);
                Ok(self.central.serve(n, &hurt)?)
            }
            Fault::ReplyCut | Fault::ReplyDamaged => {
                let mut answer = self.serve(d, n, asked)?;
                if answer.body.is_empty() {
                    return Ok(Ok(answer));
                }
                self.hurt(&mut answer.body, fault == Fault::ReplyCut);
                Ok(answer)
            }
            Fault::HalfOpen => {
                self.serve(d, n, asked)?;
                self.pass(20_000);
                Err(Broken::Stalled(Duration::from_secs(20)))
            }
            Fault::Impostor => Ok(match self.chance.below(3) {
                0 => page(200, "<html>Escribe tu clave de la red</html>"),
                1 => page(302, ""),
                _ => Answered { headers: plain_headers("text/plain"), ..page(200, "") },
            }),
            Fault::BadGateway => {
                if self.chance.coin() {
                    self.serve(d, n, asked)?;
                }
                let status = [502, 503, 504][self.chance.below(3)];
                Ok(page(status, "<html>Bad Gateway</html>"))
            }
            Fault::TooMany => {
                let mut answer = page(429, "<html>Espera</html>");
                answer.headers.insert("retry-after", HeaderValue::from_static("30"));
                Ok(answer)
            }
            Fault::TooLarge => Ok(page(413, "<html>Request Entity Too Large</html>")),
            Fault::OldAnswer => {
                let what = asked.url.path().trim_start_matches("/api/v1/");
                let Some(old) = self.devices[d].answers.get(what).cloned() else {
                    return Ok(Ok(self.serve(d, n, asked)?));
                };
                Ok(old)
            }
            Fault::NodeRefuses => {
                self.central.nodes[n].down_until = self.step + 5 + self.chance.below(15);
                Err(Broken::Refused("connection refused".into()))
            }
            Fault::Partition => {
                self.devices[d].cut_off = Some((n, self.step + 10 + self.chance.below(40)));
                Err(lost())
            }
            Fault::OldEndpoint => {
                let Some(newer) = of_a_newer_protocol(asked)? else {
                    return Ok(Ok(self.serve(d, n, asked)?));
                };
                Ok(self.central.serve(n, &newer)?)
            }
            _ => return Ok(Ok(self.serve(d, n, asked)?)),
        };
        self.hit(fault);
        Ok(come)
    }

    /// A node dies while it serves. What it had made durable stays.
    fn crash(&mut self, d: usize, n: usize, asked: &Asked, fault: Fault) -> Result<Come> {
        let moment = if fault == Fault::CrashBefore { Moment::Commit } else { Moment::Committed };
        self.central.nodes[n].disk.die(moment);
        let answer = self.central.serve(n, asked)?;
        if self.central.nodes[n].disk.mend() == 0 {
            // It wrote nothing, so there was nothing to die at.
            check::answered(self, d, n, asked, &answer)?;
            return Ok(Ok(answer));
        }
        self.hit(fault);
        let until = self.step + 5 + self.chance.below(15);
        self.central.restart(n, until)?;
        Ok(Err(lost()))
    }

    /// The database of a node does not do what it is asked.
    fn disk(&mut self, d: usize, n: usize, asked: &Asked, fault: Fault) -> Result<Come> {
        let (moment, trouble) = match fault {
            Fault::Serialization if self.chance.coin() => (Moment::Begin, Trouble::Busy),
            Fault::Serialization => (Moment::Commit, Trouble::Busy),
            Fault::CentralFull => (Moment::Commit, Trouble::Full),
            _ => (Moment::Committed, Trouble::Failing),
        };
        self.central.nodes[n].disk.fail(moment, trouble, 1);
        let answer = self.central.serve(n, asked)?;
        if self.central.nodes[n].disk.mend() > 0 {
            self.hit(fault);
            if fault == Fault::CentralFull && self.chance.percent(30) {
                // Little things still find room: an operation that does not is set apart, so that the rest goes on.
                self.tight_until = self.step + 60;
            }
        } else {
            check::answered(self, d, n, asked, &answer)?;
        }
        Ok(Ok(answer))
    }

    /// Cuts bytes off, or turns one bit.
    fn hurt(&mut self, body: &mut Vec<u8>, cut: bool) {
        let place = self.chance.below(body.len());
        if cut {
            body.truncate(place);
        } else if let Some(byte) = body.get_mut(place) {
            *byte ^= 1 << self.chance.below(8);
        }
    }
}

fn lost() -> Broken {
    Broken::Lost("connection reset".into())
}

fn page(status: u16, text: &str) -> Answered {
    Answered {
        status: StatusCode::from_u16(status).unwrap_or_default(),
        headers: plain_headers("text/html"),
        body: text.as_bytes().to_vec(),
    }
}

fn offers_something(asked: &Asked) -> Result<bool> {
    if !asked.url.path().ends_with("/sync/push") {
        return Ok(false);
    }
    let body: serde_json::Value = serde_json::from_slice(&zstd::decode_all(asked.body.as_slice())?)?;
    Ok(body["operations"].as_array().is_some_and(|operations| !operations.is_empty()))
}

/// The same push as a later version of the program would send it.
fn of_a_newer_protocol(asked: &Asked) -> Result<Option<Asked>> {
    if !asked.url.path().ends_with("/sync/push") {
        return Ok(None);
    }
    let mut body: serde_json::Value = serde_json::from_slice(&zstd::decode_all(asked.body.as_slice())?)?;
    body["protocol"] = 99.into();
    let mut newer = asked.clone();
    newer.body = zstd::encode_all(body.to_string().as_bytes(), 3)?;
    newer.headers.insert(BODY_SHA256, HeaderValue::try_from(sha256_hex(&newer.body))?);
    Ok(Some(newer))
}
